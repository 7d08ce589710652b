"""Marts are published per tenant as immutable snapshots of Parquet files, and read through a bounded local cache."""

from varai.marts.counts import PublishedCount, count_published
from varai.marts.coverage import put_coverage
from varai.marts.metrics import Metric, load_metrics
from varai.marts.publish import publish
from varai.marts.reader import Reader, Snapshot
from varai.marts.words import FeedCoverage, Manifest, Mart, PublishedMart

__all__ = [
    "FeedCoverage",
    "Manifest",
    "Mart",
    "Metric",
    "PublishedCount",
    "PublishedMart",
    "Reader",
    "Snapshot",
    "count_published",
    "load_metrics",
    "publish",
    "put_coverage",
]

"""The registry of a region: who the tenants are, who works on what, how far each stream has come, and status read from that."""

from varai.registry.collections import INDEXES, ensure_indexes
from varai.registry.comparisons import Comparison, compared_at, comparisons, keep_comparison
from varai.registry.feeds import feed, feeds, put_feed, seed, tenants, unseeded
from varai.registry.freshness import Lag, keep_lag
from varai.registry.leases import (
    Lease,
    acquire,
    acquire_patiently,
    check,
    expire_all,
    held,
    holding,
    release,
    release_held,
    renew,
    renewing,
    renewing_held,
    this_process,
)
from varai.registry.runs import RunRecord, last_runs, record_run
from varai.registry.slices import Changes, Counts, Pending, SliceReport, SliceState, StreamKey
from varai.registry.states import FeedState, feed_states, phrase, set_state
from varai.registry.status import SLICE_COUNTS, snapshots, status, stream_rows
from varai.registry.streams import slice_keys, waiting_keys
from varai.registry.tokens import SealedTokens

__all__ = [
    "INDEXES",
    "SLICE_COUNTS",
    "Changes",
    "Comparison",
    "Counts",
    "FeedState",
    "Lag",
    "Lease",
    "Pending",
    "RunRecord",
    "SealedTokens",
    "SliceReport",
    "SliceState",
    "StreamKey",
    "acquire",
    "acquire_patiently",
    "check",
    "compared_at",
    "comparisons",
    "ensure_indexes",
    "expire_all",
    "feed",
    "feed_states",
    "feeds",
    "held",
    "holding",
    "keep_comparison",
    "keep_lag",
    "last_runs",
    "phrase",
    "put_feed",
    "record_run",
    "release",
    "release_held",
    "renew",
    "renewing",
    "renewing_held",
    "seed",
    "set_state",
    "slice_keys",
    "snapshots",
    "status",
    "stream_rows",
    "tenants",
    "this_process",
    "unseeded",
    "waiting_keys",
]

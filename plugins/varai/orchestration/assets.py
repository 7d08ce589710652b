"""Assets by which graphs follow each other. An asset event is only a signal: what changed is found by comparing."""

from __future__ import annotations

from airflow.sdk import Asset


def warehouse_asset(region: str) -> Asset:
    """The region's raw tables have new rows, and the watermarks of their feeds have moved."""
    return Asset(f"varai://{region}/warehouse")


def snapshots_asset(region: str) -> Asset:
    """The region's published snapshots may have changed."""
    return Asset(f"varai://{region}/snapshots")

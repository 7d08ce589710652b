"""Assets by which graphs follow each other. An asset event is only a signal: what changed is found by comparing."""

from __future__ import annotations

from airflow.sdk import Asset, AssetOrTimeSchedule

from varai.orchestration.defaults import WEEKLY, by_the_clock


def warehouse_asset(region: str) -> Asset:
    """The region's raw tables have new rows, and the watermarks of their feeds have moved."""
    return Asset(f"varai://{region}/warehouse")


def snapshots_asset(region: str) -> Asset:
    """The region's published snapshots may have changed."""
    return Asset(f"varai://{region}/snapshots")


def when_published_and_weekly(region: str) -> AssetOrTimeSchedule:
    """When the region's snapshots may have changed, and once a week though they did not."""
    return AssetOrTimeSchedule(timetable=by_the_clock(WEEKLY), assets=[snapshots_asset(region)])

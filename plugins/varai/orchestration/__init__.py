"""The only room that imports airflow: defaults, assets, callbacks, the tasks' bodies and the River page."""

from varai.orchestration.assets import snapshots_asset, warehouse_asset, when_published_and_weekly
from varai.orchestration.defaults import (
    EVERY_15_MINUTES,
    NIGHTLY,
    SINCE,
    by_the_clock,
    defaults,
    graph_options,
    label,
    warehouse_pool,
)

__all__ = [
    "EVERY_15_MINUTES",
    "NIGHTLY",
    "SINCE",
    "by_the_clock",
    "defaults",
    "graph_options",
    "label",
    "snapshots_asset",
    "warehouse_asset",
    "warehouse_pool",
    "when_published_and_weekly",
]

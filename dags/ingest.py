"""Ingest the feeds of one region and connector: land the source, map it, judge it, publish it.

    due_feeds -> ingest (one mapped task per batch of feeds) -> load -> settle -> document -> conclude

- **due_feeds** skips the rest when no feed is due; a run that a person triggers takes every feed.
- **ingest** lands, maps, judges and publishes to the catalogue; what one feed does never stops another.
- **load** merges everything staged in the region into the warehouse, one MERGE per table.
- **settle** moves hashes and watermarks, only where counts balance; then the marts are built.
- **document** holds Great Expectations against the compiled verdicts and writes Data Docs.
- **conclude** gives the leases back and turns the run red when a feed failed.

A rerun is safe: it takes over the planned windows. State and cure of each feed: the River page, or `varai status`.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, get_current_context, task

from varai.orchestration import (
    EVERY_15_MINUTES,
    SINCE,
    defaults,
    graph_options,
    label,
    steps,
    warehouse_asset,
    warehouse_pool,
)
from varai.settings import load as load_settings
from varai.sources import connectors


def ingest(region: str, connector: str) -> None:
    """Make the graph of one region and connector; both are bound here and can never be parameters of a run."""

    @dag(
        dag_id=f"ingest__{region}__{connector}",
        schedule=EVERY_15_MINUTES,
        start_date=SINCE,
        doc_md=__doc__,
        tags=["ingest", region, connector],
        default_args=defaults(),
        **graph_options(),
    )
    def graph() -> None:
        @task.short_circuit
        def due_feeds() -> list[list[list[str]]]:
            return steps.due_feeds(region, connector, get_current_context())

        @task(map_index_template="{{ feeds }}")
        def ingest(batch: list[list[str]]) -> list[dict[str, Any]]:
            context = get_current_context()
            context["feeds"] = label(["/".join(key) for key in batch])  # read by map_index_template
            return steps.ingest(region, batch, context["run_id"])

        @task(pool=warehouse_pool(region), trigger_rule="all_done")
        def load() -> dict[str, int]:
            return steps.load(region, get_current_context()["run_id"])

        # Its signal and not that of `load`: the marts' coverage is read from the watermarks.
        @task(trigger_rule="all_done", outlets=[warehouse_asset(region)])
        def settle() -> list[str]:
            return steps.settle(region, get_current_context()["run_id"])

        @task(
            trigger_rule="all_done", retries=0
        )  # a second try would find the doubted evidence put aside, and be content
        def document() -> str:
            return steps.document(region, connector, get_current_context()["run_id"])

        @task(trigger_rule="all_done", retries=0)
        def conclude() -> None:
            steps.conclude(region, connector, get_current_context())

        ingest.expand(batch=due_feeds()) >> load() >> settle() >> document() >> conclude()

    graph()


for name in load_settings().regions:
    for vendor in connectors():
        ingest(name, vendor)

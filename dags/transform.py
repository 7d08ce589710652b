"""Build the marts of one region and publish them: warehouse -> dbt -> snapshots.

    build_and_publish -> docs

Runs when the region's warehouse has new rows. A dbt test that fails warns and withholds only the tenants it names; a tenant
whose marts did not change keeps its snapshot.
"""

from __future__ import annotations

from airflow.sdk import dag, get_current_context, task

from varai.orchestration import SINCE, defaults, graph_options, snapshots_asset, steps, warehouse_asset, warehouse_pool
from varai.settings import load as load_settings


def transform(region: str) -> None:
    """Make the graph of one region."""

    @dag(
        dag_id=f"transform__{region}",
        schedule=[warehouse_asset(region)],
        start_date=SINCE,
        doc_md=__doc__,
        tags=["transform", region],
        default_args=defaults(),
        **graph_options(),
    )
    def graph() -> None:
        @task(pool=warehouse_pool(region), outlets=[snapshots_asset(region)])
        def build_and_publish() -> dict[str, str]:
            return steps.transform(region, get_current_context()["run_id"])

        @task(pool=warehouse_pool(region))
        def docs() -> str:
            return steps.docs(region)

        build_and_publish() >> docs()

    graph()


for name in load_settings().regions:
    transform(name)

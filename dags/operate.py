"""Look after one region every night: sweep what has outlived its retention, and prove that nothing is lost.

    sweep    sweep_models    reconcile    prove    erase_due    answer_due

`sweep` takes landed objects, events, webhooks and what killed runs left; `sweep_models` takes what old answers were made from
and what of models an erasure left.
`reconcile` turns red, naming feed and stream, when places disagree about how many rows there are. The vendor is asked anew where
it counts exactly; one that does not answer is a difference too. `prove` compares every row by its content, the vendor's among
them, of a seventh of the feeds, those compared longest ago, and turns red naming rows by their keys.
`erase_due` turns red, naming tenants, when people who asked to be forgotten still are not; it is tried again until a tenant's
feeds are free.
`answer_due` gathers what is held of people who asked for it, and turns red when an answer is overdue that nobody has handed over.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag, get_current_context, task

from varai.orchestration import NIGHTLY, by_the_clock, defaults, graph_options, snapshots_asset, steps, warehouse_pool
from varai.settings import load as load_settings


def operate(region: str) -> None:
    """Make the graph of one region."""

    @dag(
        dag_id=f"operate__{region}",
        schedule=by_the_clock(NIGHTLY),
        doc_md=__doc__,
        tags=["operate", region],
        default_args=defaults(),
        **graph_options(),
    )
    def graph() -> None:
        @task
        def sweep() -> dict[str, int]:
            return steps.sweep(region)

        @task
        def sweep_models() -> dict[str, int]:
            return steps.sweep_models(region)

        @task(pool=warehouse_pool(region))
        def reconcile() -> int:
            return steps.reconcile(region, get_current_context()["run_id"])

        # Without a slot of the pool, which it would keep while it reads vendors: it holds the warehouse for a moment only.
        @task
        def prove() -> int:
            return steps.prove(region, get_current_context()["run_id"])

        # A run gives its feeds back only after its load had the pool's slot: waiting in the slot would wait for itself.
        # What was published anew without a person starts the training without them.
        @task(
            pool=warehouse_pool(region), retries=5, retry_delay=timedelta(minutes=4), outlets=[snapshots_asset(region)]
        )
        def erase_due() -> int:
            return steps.erase_due(region, get_current_context()["run_id"])

        @task
        def answer_due() -> int:
            return steps.answer_due(region)

        sweep()
        sweep_models()
        reconcile()
        prove()
        erase_due()
        answer_due()

    graph()


for name in load_settings().regions:
    operate(name)

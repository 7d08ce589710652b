"""Train one model for the tenants of one region: published marts -> candidate -> champion.

    due -> learn (one mapped task per batch of tenants)

Runs when the region's snapshots may have changed, and every week. **due** skips the rest when nobody's model is due: never trained,
failed some hours ago, trained by another mapping of the fields, a week old, somebody asked to be forgotten, or purchases moved
since (drift, which is logged as an alert); a run that a person triggers takes every tenant. **learn** runs the pipeline assemble ->
train -> evaluate -> promote where the setting `pipelines` says, and turns red when a tenant's model could not be trained; tried
again, it takes those alone that failed. Too little data is a state, not a failure. What each tenant is served, and why:
`varai models list`.
"""

from __future__ import annotations

from airflow.sdk import dag, get_current_context, task

from varai.learning.spec import specs
from varai.orchestration import defaults, graph_options, label, steps, when_published_and_weekly
from varai.settings import load as load_settings


def train(region: str, model: str) -> None:
    """Make the graph of one region and model; both are bound here and can never be parameters of a run."""

    @dag(
        dag_id=f"train__{region}__{model}",
        schedule=when_published_and_weekly(region),
        doc_md=__doc__,
        tags=["train", region, model],
        default_args=defaults(),
        **graph_options(),
    )
    def graph() -> None:
        @task.short_circuit
        def due() -> list[list[str]]:
            return steps.due_tenants(region, model, get_current_context())

        @task(map_index_template="{{ tenants }}")
        def learn(batch: list[str]) -> dict[str, str]:
            context = get_current_context()
            context["tenants"] = label(batch)  # read by map_index_template
            return steps.learn(region, model, batch, context)

        learn.expand(batch=due())

    graph()


settings = load_settings()
for name in settings.regions:
    for kind in specs(settings.ml_pipelines / "models"):
        train(name, kind)

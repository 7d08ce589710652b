"""Bodies of the tasks: read the settings, call one verb of the river, return references."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from varai.kernel import FeedKey, Unbalanced, Untrained, VaraiError, utc_now
from varai.orchestration import pipelines
from varai.registry import FeedState, RunRecord, feed_states, feeds, record_run, renewing_held, tenants, this_process
from varai.registry.leases import TTL
from varai.river import document as documents
from varai.river import erasure, operate, requests
from varai.river import ingest as river
from varai.river import settle as settling
from varai.river import transform as transforming
from varai.river.proof import feeds as proofs
from varai.river.reconcile import reconcile_feeds
from varai.river.run import new_run_id
from varai.settings import Settings
from varai.settings import load as load_settings

_BATCH = 8
"""Tenants that one run of the pipeline takes at least: its steps start slowly and train fast."""
_FEED_PATIENCE_S = 120.0
"""Outlasts a slice of what webhooks told of."""
_LOAD_PATIENCE_S = 120.0
"""Outlasts a proof's look into the warehouse, which has no slot of the pool."""
_PROOF_PATIENCE_S = 600.0
"""It waits without a slot of the warehouse's pool, so that it may: nobody waits for it."""
_DOCUMENT_PATIENCE_S = 2 * TTL.total_seconds()
"""The region's other graphs may all end at once, and a worker may have died elsewhere: its lease ends after TTL."""
_TOLD = 20
"""Differences that the log of a task names."""
_ERASURE_PATIENCE_S = 20.0
"""Outlasts the end of a run that has loaded already; for longer waits the task is tried again, which frees its slot."""


def due_feeds(region: str, connector: str, context: Mapping[str, Any]) -> list[list[list[str]]]:
    """Batches of (tenant, feed) whose time has come; an empty list skips the run. A run that a person triggers takes all."""
    force = context["dag_run"].run_type == "manual"
    return [[list(key) for key in batch] for batch in river.due_feeds(load_settings(), region, connector, force=force)]


def ingest(region: str, batch: list[list[str]], run_id: str) -> list[dict[str, Any]]:
    """Work on every feed of a batch, then fail naming those that failed; a retry takes only what failed."""
    settings = load_settings()
    progress = operate.progress_to_registry(settings, region)
    done, failures = [], []
    with renewing_held(settings.scope(region), run_id):  # those of the batch's first feeds too
        for tenant, feed in batch:
            try:
                outcome = river.ingest_feed(
                    settings,
                    region,
                    FeedKey(tenant, feed),
                    holder=run_id,
                    progress=progress,
                    patience_s=_FEED_PATIENCE_S,
                )
            except VaraiError as error:
                failures.append(f"{tenant}/{feed}: {error}")
                continue
            done += [ref.model_dump(mode="json") for ref in outcome.batches]
            failures += [f"{outcome.feed}/{stream}: {error}" for stream, error in outcome.failures.items()]
    if failures:
        raise Unbalanced(
            f"{len(failures)} of the batch failed. {' '.join(failures)}", "See each feed's state; the rest was kept."
        )
    return done


def load(region: str, run_id: str) -> dict[str, int]:
    """Merge everything staged in the region, while the leases of the run's feeds are renewed."""
    settings = load_settings()
    with renewing_held(settings.scope(region), run_id):
        return settling.load(settings, region, holder=_holder(run_id), patience_s=_LOAD_PATIENCE_S)


def settle(region: str, run_id: str) -> list[str]:
    """Move watermarks, while the leases of the run's feeds are renewed; returns the streams that moved."""
    settings = load_settings()
    with renewing_held(settings.scope(region), run_id):
        moved = settling.settle(settings, region, operate.progress_to_registry(settings, region))
    return ["/".join(key) for key in moved]


def document(region: str, connector: str, run_id: str) -> str:
    """Give the leases back, then hold Great Expectations against the compiled verdicts; returns where the Data Docs are."""
    settings = load_settings()
    _release(settings, region, connector, run_id)
    return documents.document_region(settings, region, holder=_holder(run_id), patience_s=_DOCUMENT_PATIENCE_S)


def conclude(region: str, connector: str, context: Mapping[str, Any]) -> None:
    """Give the leases back, where no task did, then fail when an earlier task of the run failed."""
    settings = load_settings()
    _release(settings, region, connector, str(context["run_id"]))
    failed = {name: state for name, state in feed_states(settings.scope(region)).items() if _broken(state)}
    _record(settings, region, context, failed)
    unhappy = _failed_tasks(context)
    if unhappy:
        told = "; ".join(f"{name}: {state.what} {state.cure}" for name, state in failed.items())
        raise AirflowFailException(f"Failed: {', '.join(unhappy)}. {told}")


def transform(region: str, run_id: str) -> dict[str, str]:
    """Build the marts, publish the tenants that changed; returns the snapshot of each tenant."""
    report = transforming.transform(load_settings(), region, holder=_holder(run_id), patience_s=_LOAD_PATIENCE_S)
    return dict(report.snapshots)


def docs(region: str) -> str:
    """Write the static dbt documentation; returns where it is."""
    return str(transforming.write_docs(load_settings(), region))


def due_tenants(region: str, model: str, context: Mapping[str, Any]) -> list[list[str]]:
    """Batches of tenants whose model is due; an empty list skips the run. A run that a person triggers takes all."""
    from varai.learning.due import due  # SciPy takes a second, which the parsing of graphs need not wait for

    settings = load_settings()
    force = context["dag_run"].run_type == "manual"
    everybody = [one.name for one in tenants(settings.scope(region))]
    found = list(due(settings, region, everybody, model, force=force))
    width = max(_BATCH, -(-len(found) // river.MOST_BATCHES))
    return [found[start : start + width] for start in range(0, len(found), width)]


def learn(region: str, model: str, batch: list[str], context: Mapping[str, Any]) -> dict[str, str]:
    """Run the pipeline for a batch; returns how each tenant ended, or where the run is to be seen when it is elsewhere.

    A task that is tried again takes those alone that failed, or never ended.

    Raises:
        Untrained: naming the tenants that failed.
    """
    from varai.learning.parcels import Job
    from varai.learning.steps import note, outcomes

    settings, run = load_settings(), f"{utc_now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    before = _ended_before(settings, region, model, batch, context)
    left = [tenant for tenant in batch if tenant not in before]
    if not left:
        return before
    address = pipelines.run(settings, region, model, left, run)
    jobs = [str(Job(tenant, model, run)) for tenant in left]
    if address:
        # After the fact, so that no refusal is kept: the first step there takes longer to start than this.
        note(settings, region, jobs, "submitted", f"It is being trained: {address}")
        return before | {"run": address}
    note(settings, region, jobs, "failed", "Its run ended early. See the log of the run.")
    ended = outcomes(settings, region, jobs)
    failed = [f"{name}: {state.sentence}" for name, state in ended.items() if state.kind == "failed"]
    if failed:
        raise Untrained(f"{len(failed)} of {len(batch)} tenants were not trained. {' '.join(failed)}")
    return before | {tenant: f"{state.kind}: {state.sentence}" for tenant, state in ended.items()}


def _ended_before(
    settings: Settings, region: str, model: str, batch: list[str], context: Mapping[str, Any]
) -> dict[str, str]:
    """What earlier tries of the task brought to an end, or handed on."""
    from varai.learning import states

    if context["task_instance"].try_number <= 1:
        return {}
    since = context["dag_run"].start_date
    found = {tenant: states.read(settings.scope(region, tenant), model) for tenant in batch}
    return {
        tenant: f"{state.kind}: {state.sentence}"
        for tenant, state in found.items()
        if state is not None and state.kind != "failed" and state.at >= since
    }


def sweep(region: str) -> dict[str, int]:
    """Remove what has outlived its retention; returns how many of each."""
    return operate.sweep(load_settings(), region, dry_run=False)


def sweep_models(region: str) -> dict[str, int]:
    """Remove what of models and answers has outlived its retention; returns how many of each."""
    from varai.learning.retention import sweep as sweep_learning  # numpy and more, which parsing need not wait for

    return sweep_learning(load_settings(), region)


def reconcile(region: str, run_id: str) -> int:
    """Compare every feed of the region; returns how many streams agree. Raises Unbalanced, naming what does not."""
    settings = load_settings()
    keys = [feed.key for feed in feeds(settings.scope(region))]
    done = reconcile_feeds(settings, region, keys, holder=_holder(run_id))
    if done.differences:
        raise Unbalanced(f"{len(done.differences)} streams or feeds differ. {' '.join(done.differences)}.")
    return len(done.found)


def prove(region: str, run_id: str) -> int:
    """Compare every row of the feeds whose turn it is tonight; returns how many agree. Raises Unbalanced, naming rows by their keys."""
    settings = load_settings()
    scope = settings.scope(region)
    keys = proofs.due(scope, [feed.key for feed in feeds(scope)])
    done = proofs.prove_feeds(settings, region, keys, holder=_holder(run_id), patience_s=_PROOF_PATIENCE_S)
    if done.differences:
        told = "; ".join(done.differences[:_TOLD])
        raise Unbalanced(
            f"{len(done.differences)} rows or feeds differ: {told}.",
            "See `varai reconcile --deep`; with --repair it says what would mend them.",
        )
    return len(done.found)


def erase_due(region: str, run_id: str) -> int:
    """Execute the erasures of the ledger that are not done; returns how many. Raises ErasuresOpen for those left."""
    from varai.learning.forget import places  # SciPy takes a second, which the parsing of graphs need not wait for

    return erasure.erase_due(
        load_settings(),
        region,
        holder=_holder(run_id),
        now=utc_now(),
        beyond=places,
        patience_s=_ERASURE_PATIENCE_S,
    )


def answer_due(region: str) -> int:
    """Gather answers to people who asked for their data; returns how many. Raises RequestsOpen when one is overdue."""
    return requests.answer_due(load_settings(), region)


def _release(settings: Settings, region: str, connector: str, run_id: str) -> None:
    """Give back the leases of a run's feeds. A run of another connector may have the same id, so its feeds are left out."""
    keys = [one.key for one in feeds(settings.scope(region), connector)]
    river.release_feeds(settings, region, keys, holder=run_id)


def _holder(run_id: str) -> str:
    """Of a lease that lives within one task: its process is named, so that its death can be seen."""
    return f"{run_id} {this_process()}"


def _record(settings: Settings, region: str, context: Mapping[str, Any], failed: Mapping[str, FeedState]) -> None:
    """Write the run's record: what its tasks returned, and the feeds that are not well."""
    task, run = context["task_instance"], context["dag_run"]
    # Asked for as a list: of one mapped task alone, Airflow would give what it returned instead of a list with that.
    batches = [ref for part in task.xcom_pull(task_ids=["ingest"]) for ref in part or []]
    record = RunRecord(
        run_id=new_run_id(run.start_date),
        started_at=run.start_date,
        ended_at=utc_now(),
        batches=tuple(ref["batch_id"] for ref in batches),
        failures={name: state.what for name, state in failed.items()},
        merged=task.xcom_pull(task_ids="load") or {},
        settled=tuple(task.xcom_pull(task_ids="settle") or ()),
    )
    record_run(settings.scope(region), record)


def _broken(state: FeedState) -> bool:
    return state.kind in ("failing", "throttled", "needs reauthorisation")


def _failed_tasks(context: Mapping[str, Any]) -> list[str]:
    """Names of tasks of this run that failed before `conclude`."""
    task = context["task_instance"]
    states = task.get_task_states(dag_id=task.dag_id, run_ids=[task.run_id]).get(task.run_id, {})
    return sorted(name for name, state in states.items() if state in ("failed", "upstream_failed"))

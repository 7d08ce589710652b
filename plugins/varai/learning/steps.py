"""The road of a batch of tenants: assemble -> train -> evaluate -> promote. Names in, names out; data go through sealed parcels.

The same four functions are called by `varai models train` and by the components of the pipeline, in one process or in four.
What one tenant does never stops another: a failure becomes its state, and `promote` names those that failed at the end.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from varai import __version__
from varai.gate.suite import load_suites
from varai.kernel import Misconfigured, Scope, Untrained, VaraiError, utc_now
from varai.learning import assemble as assembling
from varai.learning import bundle as bundles
from varai.learning import card as cards
from varai.learning import parcels, states
from varai.learning import promote as promoting
from varai.learning import train as training
from varai.learning.bundled import bundle_of
from varai.learning.forget import forget
from varai.learning.parcels import Job
from varai.learning.registered import registered_name
from varai.learning.spec import ModelSpec, spec_of
from varai.learning.states import State
from varai.learning.tracking import Registry
from varai.learning.turns import turn
from varai.learning.words import Dataset, Pointer, Report, TooLittle, Trained
from varai.privacy import Ledger, audit
from varai.settings import Settings

log = structlog.get_logger(__name__)
_SUITES = ("product", "variant", "order", "order_line")


@dataclass(frozen=True, slots=True)
class _At:
    """Where a step works: the settings, the tenant's scope, the job and the spec of its model."""

    settings: Settings
    scope: Scope
    job: Job
    spec: ModelSpec

    def conclude(self, kind: states.Kind, sentence: str, **more: Any) -> None:
        """Write how the job ended."""
        mapping = bundles.mapping_version()
        state = State(kind=kind, sentence=sentence, at=utc_now(), run=self.job.run, mapping=mapping, **more)
        states.write(self.scope, self.job.model, state)


def learn(settings: Settings, region: str, tenants: Sequence[str], model: str) -> Mapping[str, State]:
    """All four steps for a batch, in this process; returns each tenant's state. Raises Misconfigured for an unknown model."""
    run = f"{utc_now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    jobs = evaluate(settings, region, train(settings, region, assemble(settings, region, tenants, model, run)))
    with contextlib.suppress(Untrained):  # the states say so, tenant by tenant
        promote(settings, region, jobs)
    return outcomes(settings, region, jobs)


def assemble(settings: Settings, region: str, tenants: Iterable[str], model: str, run: str) -> list[str]:
    """Assemble the datasets of a batch; too little is a state. Returns the names of the jobs, for the next step."""
    return _each(settings, region, [str(Job(tenant, model, run)) for tenant in tenants], _assemble)


def train(settings: Settings, region: str, jobs: Sequence[str]) -> list[str]:
    """Train where there is a dataset; returns the jobs."""
    return _each(settings, region, jobs, _train)


def evaluate(settings: Settings, region: str, jobs: Sequence[str]) -> list[str]:
    """Judge what was trained against floor and champion; returns the jobs."""
    return _each(settings, region, jobs, _evaluate)


def promote(settings: Settings, region: str, jobs: Sequence[str]) -> list[str]:
    """Register and promote what was judged, and remove the parcels; returns the jobs.

    Raises:
        Untrained: at the end, naming the tenants that failed in any step.
    """
    _each(settings, region, jobs, _promote)
    for job in map(Job.read, jobs):
        parcels.sweep(settings.scope(region, job.tenant), job)
    failed = {name: state for name, state in outcomes(settings, region, jobs).items() if state.kind == "failed"}
    if failed:
        told = " ".join(f"{tenant}: {state.sentence}" for tenant, state in failed.items())
        raise Untrained(f"{len(failed)} of {len(jobs)} tenants were not trained. {told}")
    return list(jobs)


def outcomes(settings: Settings, region: str, jobs: Iterable[str]) -> Mapping[str, State]:
    """How the jobs ended, by tenant; those that have not ended are left out."""
    found = {job: states.read(settings.scope(region, job.tenant), job.model) for job in map(Job.read, jobs)}
    return {job.tenant: state for job, state in found.items() if state is not None and state.run == job.run}


def note(settings: Settings, region: str, jobs: Sequence[str], kind: states.Kind, sentence: str) -> None:
    """Write the state of jobs that have not ended, so that they are not due at once; those that have keep their outcome."""
    ended = outcomes(settings, region, jobs)
    for job in map(Job.read, jobs):
        if job.tenant not in ended:
            state = State(kind=kind, sentence=sentence, at=utc_now(), run=job.run)
            states.write(settings.scope(region, job.tenant), job.model, state)


def compare(settings: Settings, region: str, tenant: str, model: str, one: Pointer, other: Pointer) -> str:
    """The recipes of two versions on the tenant's present test window, in a sentence.

    Raises:
        Misconfigured: an unknown model, or a recipe of another release. Gone, Malformed: as `assemble` does.
    """
    spec, scope = spec_of(settings.ml_pipelines / "models", model), settings.scope(region, tenant)
    data = assembling.assemble(scope, spec, parcels.cache_of(settings, region))
    if isinstance(data, TooLittle):
        return data.sentence
    first, second = (promoting.recipe_of(each.recipe) for each in (one, other))
    if first is None or second is None:
        raise Misconfigured("A version's recipe is one of another release.", "Compare versions of this release.")
    found = training.compare(data, spec, first, second)
    return (
        f"{spec.metric} {found.one:.4f} against {found.other:.4f}, difference {found.difference:+.4f}"
        f" [{found.interval.low:+.4f}, {found.interval.high:+.4f}] at {found.interval.confidence:.0%};"
        f" {found.judged:,} subjects judged, snapshot {data.snapshot_id}, test window {found.window[:16]}."
    )


def _each(settings: Settings, region: str, jobs: Sequence[str], step: Callable[[_At], None]) -> list[str]:
    read = [Job.read(job) for job in jobs]
    specs = {model: spec_of(settings.ml_pipelines / "models", model) for model in {job.model for job in read}}
    for job in read:
        at = _At(settings, settings.scope(region, job.tenant), job, specs[job.model])
        try:
            step(at)
        except VaraiError as error:
            _fail(at, f"{error.what} {error.cure}")
        except Exception as error:  # noqa: BLE001  # what one tenant's data bring about must not stop the others
            # Only the type is told: texts of foreign errors may quote the data they choked on.
            _fail(at, f"{type(error).__name__} was raised. See the log of the run; the others of the batch went on.")
    return list(jobs)


def _fail(at: _At, sentence: str) -> None:
    log.error("model.failed", tenant=at.scope.tenant, region=at.scope.region, model=at.job.model, what=sentence)
    try:
        at.conclude("failed", sentence)
        parcels.sweep(at.scope, at.job)  # without its parcels, later steps pass it by
    except Exception as error:  # noqa: BLE001  # of a tenant whose very failure cannot be kept, the log alone tells
        log.error("model.state_not_kept", tenant=at.scope.tenant, region=at.scope.region, kind=type(error).__name__)


def _assemble(at: _At) -> None:
    cache = parcels.cache_of(at.settings, at.scope.region)
    if assembling.published(at.scope, cache) is None:
        at.conclude("too little", "Nothing is published for this tenant yet.")
        return
    data = assembling.assemble(at.scope, at.spec, cache)
    if isinstance(data, TooLittle):
        at.conclude("too little", data.sentence, purchases=data.purchases, snapshot=data.snapshot_id)
        return
    parcels.keep_dataset(at.scope, at.job, data)


def _train(at: _At) -> None:
    data = parcels.dataset(at.scope, at.job)
    if data is not None:
        parcels.keep_trained(at.scope, at.job, training.train(data, at.spec))


def _evaluate(at: _At) -> None:
    found = _trained(at)
    if found is None:
        return
    data, trained = found
    champion = Registry(at.scope).champion(registered_name(at.scope, at.spec.name))
    recipe = promoting.recipe_of(champion.tags.get("varai.recipe", "")) if champion else None
    parcels.keep_verdict(at.scope, at.job, promoting.evaluate(data, at.spec, trained.report, recipe))


def _promote(at: _At) -> None:
    found, verdict = _trained(at), parcels.verdict(at.scope, at.job)
    if found is None or verdict is None:
        return
    data, trained = found
    made = bundle_of(at.scope, promoting.winner(trained, data, at.spec, verdict))
    with turn(at.scope, at.spec.name, f"training {at.job.run}") as still_mine:
        _succeed(at, found, verdict, made, still_mine)
    forget(at.scope)


def _succeed(
    at: _At,
    found: tuple[Dataset, Trained],
    verdict: promoting.Verdict,
    made: bundles.Bundle,
    still_mine: Callable[[], None],
) -> None:
    """Register a bundle and make it the champion, where no person holds another; within a turn.

    The ledger is asked within it: an erasure either comes before and is seen here, or finds a champion that it cleans. It never
    finds a bundle that no version points at yet, and would delete it.
    """
    data, trained = found
    heeded_at = utc_now()
    learned_from = set(trained.subjects)
    overtook = [one.requested_at for one in Ledger(at.scope).entries() if one.subject in learned_from]
    if overtook:
        sentence = "Somebody this was trained on asked to be forgotten meanwhile. It is trained again, without them."
        at.conclude("failed", sentence, heeded_at=min(overtook))  # due at once, unlike what fails by itself
        return
    registry, name = Registry(at.scope), registered_name(at.scope, at.spec.name)
    champion = registry.champion(name)
    stored = bundles.store(at.scope, made)
    about = {"purchases": len(data.item), "snapshot": data.snapshot_id, "until": trained.report.spans.until}
    about["heeded_at"] = heeded_at
    if champion and champion.tags.get("varai.bundle") == stored.key:
        sentence = f"Version {champion.number} would come out again, so it stays. {verdict.sentence}"
        at.conclude("unchanged", sentence, version=champion.number, **about)
        return
    pointer = _pointer(at, data, stored, verdict)
    card = cards.card(name, at.spec, trained.report, verdict, pointer)
    version = registry.register(name, pointer, card, _figures(trained.report, verdict))
    still_mine()
    held = registry.held(name)
    if held is None:
        with audit.act(at.scope, "model.promotion", f"{name}/{version.number}", verdict.sentence):
            registry.promote(name, version.number, release=False)
        at.conclude("served", verdict.sentence, version=version.number, **about)
        return
    sentence = (
        f"Version {version.number} waits, since somebody rolled back ({held}); promote one to let training go on."
    )
    at.conclude("held", sentence, version=version.number, **about)


def _pointer(at: _At, data: Dataset, stored: bundles.Stored, verdict: promoting.Verdict) -> Pointer:
    suites = load_suites(at.settings.expectations)
    return Pointer(
        region=at.scope.region,
        bundle=stored.key,
        sha256=stored.sha256,
        snapshot=data.snapshot_id,
        mapping=bundles.mapping_version(),
        code=code_version(at.settings.ml_pipelines),
        suites=json.dumps({name: suites[name].version for name in _SUITES if name in suites}),
        trained_at=utc_now().isoformat(),
        metric=f"{verdict.served_value:.6f}",
        floor=f"{verdict.floor_value:.6f}",
        difference=json.dumps(
            [round(one, 6) for one in (verdict.difference, verdict.interval.low, verdict.interval.high)]
        ),
        recipe=promoting.recipe_text(verdict.choice),
        serves=verdict.serves,
        decision=verdict.sentence,
    )


def _trained(at: _At) -> tuple[Dataset, Trained] | None:
    data, trained = parcels.dataset(at.scope, at.job), parcels.trained(at.scope, at.job)
    return (data, trained) if data is not None and trained is not None else None


def _figures(report: Report, verdict: promoting.Verdict) -> dict[str, float]:
    """What the registry draws: names without what MLflow does not allow in them."""
    scores = {"candidate": report.candidate, "floor": report.floor}
    found = {
        f"{who}_{name}": float(getattr(one, name))
        for who, one in scores.items()
        for name in ("ndcg", "recall", "mrr", "coverage", "novelty")
    }
    return found | {
        "served": verdict.served_value,
        "difference": verdict.difference,
        "difference_low": verdict.interval.low,
        "difference_high": verdict.interval.high,
        "subjects_judged": float(report.judged),
        "purchases": float(report.purchases),
        "items": float(report.items),
    }


def code_version(pipelines: Path) -> str:
    """Version of the library, and a digest of the files that decide how a model turns out."""
    digest = hashlib.sha256()
    for path in sorted([*Path(__file__).parent.glob("*.py"), *(pipelines / "models").glob("*.py")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"

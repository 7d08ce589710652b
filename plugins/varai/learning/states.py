"""How the training of a tenant's model went last: `models/{tenant}/{model}/state.json`. Words and figures, nothing personal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import ValidationError

from varai.kernel import Scope, Word
from varai.stores import objects

Kind = Literal["served", "unchanged", "held", "too little", "failed", "submitted"]


class State(Word):
    """The outcome of a training.

    Attributes:
        kind: `served`: a new version is the champion; `unchanged`: it would be the champion's bundle again; `held`: a new version
            waits, because a person rolled back; `too little`: there is not enough to learn from; `failed`: see the sentence;
            `submitted`: a service elsewhere has it, and its outcome will replace this.
        sentence: what happened, and the cure where there is one.
        at, run: when, and in which run.
        version: of the registry, where one was made or kept.
        purchases: how many there were to learn from; snapshot, until: what was read, and its last purchase; where that is known.
        mapping: of the release that trained, see `varai.learning.bundle.mapping_version`.
        heeded_at: requests to be forgotten entered up to then are in it; where a bundle was made, or would have been.
        drift: what moved since, where a comparison found something.
    """

    kind: Kind
    sentence: str
    at: datetime
    run: str
    version: int | None = None
    purchases: int | None = None
    snapshot: str | None = None
    until: datetime | None = None
    mapping: str = ""
    heeded_at: datetime | None = None
    drift: str = ""


_UNREAD: Final = State(
    kind="failed",
    sentence="How it went last cannot be read. The next training writes it anew; `varai models train` does so at once.",
    at=datetime.min.replace(tzinfo=UTC),
    run="",
)


def read(scope: Scope, model: str) -> State | None:
    """The state of the scope's tenant; None where the model was never trained. One that is damaged has `failed`, long ago."""
    found = objects(scope).get(_key(scope, model))
    try:
        return State.model_validate_json(found[0]) if found else None
    except ValidationError:
        return _UNREAD


def write(scope: Scope, model: str, state: State) -> None:
    """Replace the state."""
    objects(scope).write(_key(scope, model), state.model_dump_json(indent=1).encode())


def _key(scope: Scope, model: str) -> str:
    return f"models/{scope.tenant}/{model}/state.json"

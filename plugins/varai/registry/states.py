"""What state a feed is in, since when, and the cure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from pydantic import Field

from varai.kernel import FeedKey, Scope, Throttled, Unauthorised, VaraiError, Word, utc_now
from varai.registry.connections import disconnected, lost
from varai.stores import documents

Kind = Literal["ok", "backfilling", "throttled", "needs reauthorisation", "failing", "paused"]
_GRAVEST: tuple[Kind, ...] = ("needs reauthorisation", "failing", "throttled")
"""The first needs a person and often makes the rest fail, the second may need one, the last passes by itself."""


class FeedState(Word):
    """A feed's state as people see it."""

    kind: Kind
    since: datetime
    what: str = ""
    cure: str = ""
    percent: int | None = Field(default=None, description="how much of a first read has landed, where it is counted")

    @classmethod
    def of(cls, error: VaraiError) -> FeedState:
        """The state that a failure leaves a feed in."""
        kind: Kind = "failing"
        if isinstance(error, Throttled):
            kind = "throttled"
        elif isinstance(error, Unauthorised):
            kind = "needs reauthorisation"
        return cls(kind=kind, since=utc_now(), what=error.what, cure=error.cure)

    @classmethod
    def worst(cls, errors: Iterable[VaraiError]) -> FeedState:
        """The gravest state that these failures (at least one) leave a feed in; of equal ones the first."""
        return min(map(cls.of, errors), key=lambda state: _GRAVEST.index(state.kind))


def phrase(kind: str, percent: int | None) -> str:
    """A state as people read it: `backfilling 42 %`."""
    return kind if percent is None else f"{kind} {percent} %"


def set_state(scope: Scope, feed: FeedKey, state: FeedState) -> None:
    """Record a state; `since` stays that of the first time in a row."""
    collection = documents(scope)["feed_states"]
    found = collection.find_one({"_id": str(feed)})
    since = found["since"] if found and found["kind"] == state.kind else state.since
    collection.replace_one({"_id": str(feed)}, {**state.model_dump(), "since": since}, upsert=True)


def reconnected(scope: Scope, feed: FeedKey) -> None:
    """Forget that a feed needed reauthorisation: the next run says how it is."""
    kind: Kind = "needs reauthorisation"
    documents(scope)["feed_states"].delete_one({"_id": str(feed), "kind": kind})


def feed_states(scope: Scope) -> Mapping[str, FeedState]:
    """States of the region's feeds, by `tenant/feed`. That one is disconnected goes before whatever a run found."""
    found = {}
    for document in documents(scope)["feed_states"].find():
        name = document.pop("_id")
        found[name] = FeedState(**document)
    for key, since in disconnected(scope).items():
        found[str(key)] = FeedState.of(lost(scope, key)).model_copy(update={"since": since})
    return found

"""Accept a difference to the vendor on which a slice waits: an operator's word, with a reason, in the audit."""

from __future__ import annotations

from varai.kernel import Conflict, FeedKey, Misconfigured
from varai.privacy import audit
from varai.registry import SliceState, StreamKey, acquire, release
from varai.river.context import lease_name
from varai.settings import Settings


def doubted(settings: Settings, region: str, key: FeedKey, stream: str) -> str:
    """The difference, in a sentence with its counts, on which the stream's slice waits. Raises Misconfigured when it waits on none."""
    found = _state(settings, region, key, stream).doubted()
    if not found:
        raise Misconfigured(
            f"{key}/{stream} does not wait for an operator's word.",
            "See `varai status`. Only a difference to what the vendor counts or lists can be accepted.",
        )
    return found


def accept_slice(
    settings: Settings, region: str, key: FeedKey, stream: str, *, what: str, reason: str, by: str, holder: str
) -> str:
    """Let the stream's unfinished slice pass if it comes to exactly the difference `what` again; returns a sentence.

    Args:
        what: as `doubted` told it to whoever accepts it.

    Raises:
        LeaseHeld: a run works on the feed.
        Misconfigured: no reason was given, or the stream has no slice that waits for this.
        Conflict: the slice waits on another difference by now.
    """
    if not reason.strip():
        raise Misconfigured("A slice is accepted with a reason.", "Give one with --reason.")
    scope = settings.scope(region, key.tenant)
    lease = acquire(scope, lease_name(key), holder)
    try:
        now = doubted(settings, region, key, stream)
        if now != what:
            raise Conflict(f"{key}/{stream}: by now {now}; what was to be accepted is that {what}.", "Look again.")
        audit.append(scope, "slice.accepted", f"{key}/{stream}", f"{reason} ({what})", actor=by)
        _state(settings, region, key, stream).accept(what, reason, by, lease.token)
    finally:
        release(scope, lease)
    return (
        f"{key}/{stream}: accepted by {by} that {what}; the next run publishes the slice if it finds the same counts."
    )


def _state(settings: Settings, region: str, key: FeedKey, stream: str) -> SliceState:
    return SliceState(settings.scope(region, key.tenant), StreamKey(key.tenant, key.feed, stream))

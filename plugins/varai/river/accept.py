"""Accept a slice that does not balance: an operator's word, with a reason, in the audit."""

from __future__ import annotations

from varai.kernel import FeedKey, Misconfigured
from varai.privacy import audit
from varai.registry import SliceState, StreamKey, acquire, release
from varai.river.context import lease_name
from varai.settings import Settings


def accept_slice(
    settings: Settings, region: str, key: FeedKey, stream: str, *, reason: str, by: str, holder: str
) -> str:
    """Let the stream's unfinished slice pass although counts differ; returns a sentence.

    Raises:
        LeaseHeld: a run works on the feed.
        Misconfigured: the stream has no slice that waits for this.
    """
    if not reason.strip():
        raise Misconfigured("A slice is accepted with a reason.", "Give one with --reason.")
    scope = settings.scope(region, key.tenant)
    state = SliceState(scope, StreamKey(key.tenant, key.feed, stream))
    report = state.report()
    if not state.unfinished:
        raise Misconfigured(f"{key}/{stream} has no unfinished slice.", "See `varai status`.")
    lease = acquire(scope, lease_name(key), holder)
    try:
        state.accept(reason, by, lease.token)
        audit.append(scope, "slice.accepted", f"{key}/{stream}", reason)
    finally:
        release(scope, lease)
    differences = "; ".join(report.differences) if report else "its counts"
    return f"{key}/{stream}: accepted by {by} ({differences or 'its counts'}); the next run publishes it."

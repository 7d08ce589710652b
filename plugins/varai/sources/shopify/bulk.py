"""Bulk operations: the vendor writes a whole stream to a file, which is read once, in constant memory.

In: the text of a bulk query. Out: where its file is, and the vendor's own counts of what it holds. Only a COMPLETED file
is read: a partial one is a silent loss. A shop has five places for operations, which all apps of it and all streams of a
feed share; who finds them taken waits. https://shopify.dev/docs/api/usage/bulk-operations/queries
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from varai.kernel import Gone, Malformed, Throttled, Unauthorised, Unavailable, VaraiError
from varai.sources.shopify import queries
from varai.sources.shopify.client import Client

FIRST_POLL_S: Final = 0.1
LONGEST_POLL_S: Final = 10.0
STALL_S: Final = 1800.0
"""An operation that has counted no further object for so long is given up; a feed's `bulk_stall_s` overrides it."""
_STARTS = 3
_LONGEST_QUEUE_S: Final = 900.0
_CHUNK = 1 << 18


class NeverWhole(Unavailable):
    """The vendor fails at an operation every time; what is asked for must be read another way."""


class Operation(msgspec.Struct, rename="camel"):
    """A bulk operation as the vendor reports it; counts are decimal text."""

    id: str
    status: str
    error_code: str | None = None
    object_count: str = "0"
    root_object_count: str = "0"
    url: str | None = None

    @property
    def objects(self) -> int:
        """Lines of the file, children included."""
        return int(self.object_count)

    @property
    def roots(self) -> int:
        """Lines of the file that are records of the connection asked for."""
        return int(self.root_object_count)


class _UserError(msgspec.Struct):
    message: str = ""
    code: str | None = None


class _Run(msgspec.Struct, rename="camel"):
    bulk_operation: Operation | None = None
    user_errors: list[_UserError] = []


class _RunData(msgspec.Struct):
    run: _Run | None = None


class _PollData(msgspec.Struct):
    node: Operation | None = None


class _Begun(msgspec.Struct, rename="camel"):
    """An operation that somebody began, and what it asks for."""

    id: str
    status: str
    query: str
    created_at: datetime


class _BegunPage(msgspec.Struct):
    nodes: list[_Begun]


class _BegunData(msgspec.Struct):
    page: _BegunPage


class _Failed(Exception):
    """The vendor failed at it; starting again may help."""


def complete(client: Client, text: str, *, since: datetime | None = None) -> Operation:
    """Run a bulk query to its end; one that the vendor fails is started again.

    Args:
        since: one that runs already and was begun at or after this instant, by a read that was killed, is taken over.

    Raises:
        NeverWhole: it failed every time. Unavailable: it stood still or was cancelled.
        Throttled: too many operations of the shop run already.
        Unauthorised: a scope is missing. Malformed: the query is refused. Gone: its result expired.
    """
    found = _running(client, text, since) if since is not None else None
    for _ in range(_STARTS):
        started, found = found or _start(client, text), None
        try:
            return _await(client, started)
        except _Failed:
            continue
    raise NeverWhole(f"Shopify's bulk operation failed {_STARTS} times.")


def _running(client: Client, text: str, since: datetime) -> Operation | None:
    """An operation of ours that runs and asks for just this; to start it again would take a second place for the same file."""
    for one in client.ask(queries.BEGUN_BULKS, {}, _BegunData).page.nodes:
        if one.query == text and one.status in ("CREATED", "RUNNING") and one.created_at >= since:
            return Operation(one.id, one.status)
    return None


def _start(client: Client, text: str) -> Operation:
    """Start an operation, waiting for a place while five others run."""
    waited, pause = 0.0, 1.0
    while True:
        run = client.ask(queries.RUN_BULK, {"query": text}, _RunData).run
        if run is None:
            raise Malformed("Shopify neither started a bulk operation nor said why.")
        if run.bulk_operation is not None:
            return run.bulk_operation
        codes = {error.code for error in run.user_errors}
        if not codes & {"LIMIT_REACHED", "OPERATION_IN_PROGRESS"}:
            said = "; ".join(error.message for error in run.user_errors)[:300]
            raise Malformed(f"Shopify refused a bulk query: {said or 'no reason given'}")
        if waited >= _LONGEST_QUEUE_S:
            raise Throttled("Other bulk operations have been holding all places of the shop.")
        client.session.sleep(pause)
        waited += pause
        pause = min(pause * 2, LONGEST_POLL_S)


def _await(client: Client, operation: Operation) -> Operation:
    """Poll until the operation has ended; raises as `complete` says."""
    stall_s = float(client.session.feed.settings.get("bulk_stall_s", STALL_S))
    still, pause = 0.0, FIRST_POLL_S
    while True:
        now = client.ask(queries.POLL_BULK, {"id": operation.id}, _PollData).node
        if now is None:
            raise Gone("Shopify has forgotten the bulk operation that was just started.")
        if now.status == "COMPLETED":
            return _checked(now)
        if now.status not in ("CREATED", "RUNNING", "CANCELING"):
            raise _ended(now)
        still = 0.0 if now.object_count != operation.object_count else still + pause
        if still > stall_s:
            _cancel(client, now)
            raise Unavailable(f"Shopify's bulk operation counted nothing for {stall_s:g} s; it was cancelled.")
        client.session.sleep(pause)
        operation, pause = now, min(pause * 1.5, LONGEST_POLL_S)


def _checked(operation: Operation) -> Operation:
    if operation.url is None and operation.objects:
        raise Malformed(f"Shopify's bulk operation counted {operation.objects} objects and gave no file.")
    return operation


def _ended(operation: Operation) -> Exception:
    """The error of an operation that ended otherwise than whole. Its partial file is not looked at."""
    if operation.error_code == "ACCESS_DENIED":
        return Unauthorised("Shopify denied a bulk operation access.", "Grant the scopes `varai feeds check` names.")
    if operation.status == "FAILED":
        return _Failed()
    if operation.status == "EXPIRED":
        return Gone("The result of Shopify's bulk operation has expired.")
    return Unavailable(f"Shopify's bulk operation ended as {operation.status}.")


def _cancel(client: Client, operation: Operation) -> None:
    """Give the place back; that this fails too changes nothing."""
    try:
        client.ask(queries.CANCEL_BULK, {"id": operation.id}, _RunData)
    except VaraiError:
        return

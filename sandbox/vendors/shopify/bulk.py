"""Bulk operations: a query without pages becomes a JSONL file, written by a thread in constant memory.

In: the query of `bulkOperationRunQuery`, checked as the real API checks it. Out: a file of lines, roots and children;
a child names its parent in `__parentId`. Ungrouped files (`groupObjects: false`, the default) keep no order: children
of a stretch of roots are shuffled, and in every third stretch they come before their parents, so that whoever relies
on an order finds out here. `objectCount` counts all lines, `rootObjectCount` the roots; an empty result has no url.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from sandbox.vendors.shopify.answers import CONNECTION_TYPES, Request, visible_condition
from sandbox.vendors.shopify.errors import ApiError
from sandbox.vendors.shopify.nodes import Node, as_child, concrete_type, node_of, stored_connection
from sandbox.vendors.shopify.projection import Projector
from sandbox.vendors.shopify.reader import ShopReader
from sandbox.vendors.shopify.selection import Inner, Pick, Selection
from sandbox.vendors.shopify.store import write_meta

MOST_CONNECTIONS = 5
DEEPEST = 2
CONCURRENT = 5
_ROOTS_AT_ONCE = 250
_LIVE = ("CREATED", "RUNNING", "CANCELING")


def now_text() -> str:
    """The time as it is sent."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def check_bulk(selection: Selection) -> None:
    """Refuse what cannot run in bulk, in the words of the real API. Raises ApiError."""
    found = [(pick, level) for pick in selection.picks for pick, level in _connections(pick, 0)]
    if not found:
        raise ApiError("Bulk queries must contain at least one connection.", code="INVALID")
    if len(found) > MOST_CONNECTIONS:
        raise ApiError(f"Bulk queries cannot contain more than {MOST_CONNECTIONS} connections.", code="INVALID")
    if any(level > DEEPEST for _, level in found):
        raise ApiError(
            f"Bulk queries cannot contain connections with a nesting depth greater than {DEEPEST}.", code="INVALID"
        )
    for pick in selection.picks:
        if pick.name not in CONNECTION_TYPES:
            raise ApiError(f"Bulk queries cannot contain the field {pick.name} at the top level.", code="INVALID")


def _connections(pick: Pick, level: int, *, in_object: bool = False) -> Iterator[tuple[Pick, int]]:
    """Every connection at or below a pick, with its nesting level."""
    if pick.connection is not None:
        if in_object:
            raise ApiError("A connection inside an object field is not simulated in bulk queries.", code="INVALID")
        yield pick, level
        for inner in pick.connection.inners():
            for selection in inner.by_type.values():
                nested = [found for inside in selection.picks for found in _connections(inside, level + 1)]
                if nested and not any(p.name == "id" and p.key == "id" for p in selection.picks):
                    raise ApiError(
                        "The parent 'node' field for a nested connection must select the 'id' field without an alias"
                        f" and must be of 'ID' return type. Connection fields without 'id': {pick.name}.",
                        code="INVALID",
                    )
                yield from nested
    elif pick.inner is not None:
        for selection in pick.inner.by_type.values():
            for inside in selection.picks:
                if pick.listed and any(True for _ in _connections(inside, level)):
                    raise ApiError(
                        "Queries that contain a connection field within a list field are not currently supported.",
                        code="INVALID",
                    )
                yield from _connections(inside, level, in_object=True)


@dataclass
class Operation:
    """One bulk operation; `body` is the BulkOperation object as sent."""

    number: int
    body: dict[str, Any]
    threaded: bool = False
    cancelled: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Work:
    """What an operation shall do: the checked selection, and what shall go wrong with it.

    `address` makes the address of the file from the operation's number; `held_s` are seconds that it runs before it writes.
    """

    query: str
    selection: Selection
    grouped: bool
    request: Request
    address: Callable[[int], str]
    held_s: float = 0.0
    stuck: bool = False
    failed: bool = False
    count_delta: int = 0


class BulkOperations:
    """The bulk operations of one shop; they survive a restart in the shop's facts, but what ran is then failed."""

    def __init__(self, shop: Path, folder: Path) -> None:
        self._shop = shop
        self.folder = folder
        self._lock = threading.Lock()
        self._all: dict[int, Operation] = {}
        reader = ShopReader(shop)
        try:
            kept = reader.facts("bulk:")
        finally:
            reader.close()
        for key, value in kept.items():
            number, body = int(key.removeprefix("bulk:")), orjson.loads(value)
            if body["status"] in _LIVE:
                body |= {"status": "FAILED", "errorCode": "INTERNAL_SERVER_ERROR", "completedAt": now_text()}
            self._all[number] = Operation(number, body)

    def bodies(self) -> list[dict[str, Any]]:
        """All operations as sent, oldest first."""
        with self._lock:
            return [dict(operation.body) for _, operation in sorted(self._all.items())]

    def run(self, work: Work) -> dict[str, Any]:
        """Start an operation and return it as it stands. Raises ApiError (LIMIT_REACHED) above five at a time."""
        with self._lock:
            if sum(operation.body["status"] in _LIVE for operation in self._all.values()) >= CONCURRENT:
                raise ApiError(
                    f"You have reached the limit of {CONCURRENT} concurrent bulk query operations for this shop.",
                    code="LIMIT_REACHED",
                )
            number = max(self._all, default=0) + 1
            operation = Operation(number, _new_body(number, work.query), threaded=not work.stuck)
            self._all[number] = operation
            created = dict(operation.body)
        self._set(operation, status="RUNNING" if work.stuck else "CREATED")
        if not work.stuck:
            threading.Thread(target=self._perform, args=(operation, work), daemon=True, name=f"bulk-{number}").start()
        return created

    def cancel(self, gid: str) -> dict[str, Any] | None:
        """Ask an operation to end; one without a thread ends at once."""
        with self._lock:
            found = [operation for operation in self._all.values() if operation.body["id"] == gid]
        if not found:
            return None
        operation = found[0]
        if operation.body["status"] not in _LIVE:
            raise ApiError(
                f"A bulk operation cannot be canceled when it is {operation.body['status'].lower()}", code="INVALID"
            )
        operation.cancelled.set()
        self._set(operation, status="CANCELING")
        answer = dict(operation.body)
        if not operation.threaded:
            self._set(operation, status="CANCELED", completedAt=now_text())
        return answer

    def file_of(self, number: int) -> Path:
        """Where the lines of an operation are."""
        return self.folder / f"{number}.jsonl"

    def _set(self, operation: Operation, **changes: Any) -> None:
        with self._lock:
            operation.body.update(changes)
            text = orjson.dumps(operation.body).decode()
        write_meta(self._shop, {f"bulk:{operation.number}": text})

    def _perform(self, operation: Operation, work: Work) -> None:
        path = self.file_of(operation.number)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._set(operation, status="RUNNING")
        operation.cancelled.wait(work.held_s)
        reader = ShopReader(self._shop)
        try:
            with path.open("wb") as file:
                ended = write_lines(file, operation, work, reader)
        except ApiError as error:
            self._set(operation, status="FAILED", errorCode="INTERNAL_SERVER_ERROR", completedAt=now_text())
            print(f"bulk operation {operation.number} failed: {error.message}", flush=True)
            return
        finally:
            reader.close()
        size = path.stat().st_size
        url = work.address(operation.number) if size else None
        body = operation.body
        counts = {
            "objectCount": str(int(body["objectCount"]) + work.count_delta),
            "rootObjectCount": str(int(body["rootObjectCount"]) + work.count_delta),
            "fileSize": str(size) if size else None,
            "completedAt": now_text(),
        }
        if ended == "COMPLETED":
            self._set(operation, **counts, status=ended, url=url)
        else:
            failure = "INTERNAL_SERVER_ERROR" if ended == "FAILED" else None
            self._set(operation, **counts, status=ended, errorCode=failure, partialDataUrl=url)


def _new_body(number: int, query: str) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/BulkOperation/{number}",
        "status": "CREATED",
        "type": "QUERY",
        "errorCode": None,
        "createdAt": now_text(),
        "completedAt": None,
        "objectCount": "0",
        "rootObjectCount": "0",
        "fileSize": None,
        "url": None,
        "partialDataUrl": None,
        "query": query,
    }


def write_lines(file: BinaryIO, operation: Operation, work: Work, reader: ShopReader) -> str:
    """Write all lines, or those until it is cancelled; returns the status in which the operation ends."""
    request = Request(reader, work.request.facts, work.request.scopes, list)
    projector = Projector(reader, request.facts)
    lines = roots = 0
    for pick in work.selection.picks:
        type_name = CONNECTION_TYPES[pick.name]
        condition = visible_condition(type_name, pick.arguments.get("query"), request)
        total = reader.count(type_name, where=condition.sql, values=condition.values, limit=None)
        stretches = reader.stream(type_name, where=condition.sql, values=condition.values, size=_ROOTS_AT_ONCE)
        written = 0
        for at, rows in enumerate(stretches):
            if operation.cancelled.is_set():
                return "CANCELED"
            if work.failed:
                rows = rows[: max(1, min(len(rows), total // 2 - written))]
            made = _stretch([node_of(row) for row in rows], pick, projector)
            _put(file, made, grouped=work.grouped, seed=at)
            written += len(rows)
            roots += len(rows)
            lines += len(made)
            operation.body.update(objectCount=str(lines), rootObjectCount=str(roots))
            if work.failed and written >= total // 2:
                return "FAILED"
    return "COMPLETED"


Line = tuple[int, int, bytes]
"""(which root of the stretch, level below it, the line itself)"""


@dataclass(frozen=True)
class _Batch:
    """Nodes of one level: which root each is under, the gid of each one's parent (None for roots), their level."""

    nodes: Sequence[Node]
    roots: Sequence[int]
    parents: Sequence[str] | None
    level: int


def _stretch(nodes: list[Node], pick: Pick, projector: Projector) -> list[Line]:
    made: list[Line] = []
    assert pick.connection is not None  # noqa: S101 - checked by check_bulk
    for inner in pick.connection.inners():
        _emit(_Batch(nodes, range(len(nodes)), None, 0), inner, projector, made)
    return made


def _emit(batch: _Batch, inner: Inner, projector: Projector, made: list[Line]) -> None:
    """Lines of these nodes, then of the children of all of them."""
    for selection, ats in _by_selection(batch.nodes, inner):
        own = [batch.nodes[at] for at in ats]
        roots = [batch.roots[at] for at in ats]
        flat = Selection(selection.type_name, [pick for pick in selection.picks if pick.connection is None])
        for at, out in zip(ats, projector.project(own, flat), strict=True):
            if batch.parents is not None:
                out["__parentId"] = batch.parents[at]
            made.append((batch.roots[at], batch.level, orjson.dumps(out)))
        for pick in selection.picks:
            if pick.connection is not None:
                children = _children(own, roots, batch.level + 1, pick, projector)
                for below in pick.connection.inners():
                    _emit(children, below, projector, made)


def _by_selection(nodes: Sequence[Node], inner: Inner) -> list[tuple[Selection, list[int]]]:
    if len(inner.by_type) == 1:
        return [(next(iter(inner.by_type.values())), list(range(len(nodes))))]
    places: dict[str, list[int]] = {}
    for at, node in enumerate(nodes):
        places.setdefault(concrete_type(inner, node), []).append(at)
    return [(inner.by_type[name], ats) for name, ats in places.items()]


def _children(nodes: Sequence[Node], roots: Sequence[int], level: int, pick: Pick, projector: Projector) -> _Batch:
    """All children of these nodes by a connection."""
    inline = [projector.inline_items(node, pick) for node in nodes]
    absent = [node.gid for node, items in zip(nodes, inline, strict=True) if items is None and node.gid]
    owner = nodes[0].type if nodes else ""
    stored = projector.reader.children(absent, stored_connection(owner, pick.name)) if absent else {}
    children: list[Node] = []
    child_roots: list[int] = []
    parents: list[str] = []
    for node, root, items in zip(nodes, roots, inline, strict=True):
        gid = node.gid or ""
        found = items if items is not None else [as_child(row, owner, pick.name) for row in stored.get(gid, ())]
        children.extend(found)
        child_roots.extend([root] * len(found))
        parents.extend([gid] * len(found))
    return _Batch(children, child_roots, parents, level)


def _put(file: BinaryIO, made: list[Line], *, grouped: bool, seed: int) -> None:
    if grouped:
        ordered = sorted(made, key=itemgetter(0))
    else:
        roots = [line for line in made if line[1] == 0]
        children = [line for line in made if line[1] > 0]
        random.Random(seed).shuffle(children)
        ordered = children + roots if seed % 3 == 2 else roots + children
    for _, _, text in ordered:
        file.write(text)
        file.write(b"\n")

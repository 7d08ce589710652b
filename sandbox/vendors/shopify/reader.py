"""Reading one simulated shop's file.

Out: rows by id, by parent and connection, and by sorted pages; destroy events; the shop's facts, tokens, operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sandbox.vendors.shopify.store import connect

_COLUMNS = "gid, type, parent_gid, position, num, created_at, updated_at, body"
_IN_LIMIT = 500


class Row(NamedTuple):
    """One stored GraphQL object; `body` is its JSON text, `num` the number at the end of its gid."""

    gid: str
    type: str
    parent_gid: str | None
    position: int
    num: int
    created_at: str
    updated_at: str
    body: str
    place: Any = None
    """The value a page was sorted by."""


class Event(NamedTuple):
    """Something that happened to an object of the shop; `created_at` is ISO 8601 UTC."""

    id: int
    action: str
    subject_type: str
    subject_gid: str
    created_at: str


def _parts(keys: Iterable[str]) -> Iterator[list[str]]:
    wanted = list(dict.fromkeys(keys))
    for start in range(0, len(wanted), _IN_LIMIT):
        yield wanted[start : start + _IN_LIMIT]


def _marks(part: Sequence[str]) -> str:
    return ",".join("?" * len(part))


class ShopReader:
    """Reads one shop's file. One instance per thread.

    SQL conditions are built by the caller from known column names; values are always bound.
    """

    def __init__(self, path: Path) -> None:
        self._db = connect(path, read_only=True)
        self.path = path

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def meta(self) -> dict[str, str]:
        """The facts of the shop, without tokens and bulk operations (their keys hold a colon)."""
        return dict(self._db.execute("SELECT key, value FROM meta WHERE instr(key, ':') = 0"))

    def fact(self, key: str) -> str | None:
        """One fact, token or bulk operation by its key."""
        found = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if found is None else str(found[0])

    def facts(self, prefix: str) -> dict[str, str]:
        """All facts whose key starts with `prefix`."""
        sql = "SELECT key, value FROM meta WHERE key >= ? AND key < ?"
        return dict(self._db.execute(sql, (prefix, prefix + "\uffff")))

    def nodes(self, gids: Iterable[str]) -> dict[str, Row]:
        """The rows of these gids that exist."""
        found: dict[str, Row] = {}
        for part in _parts(gids):
            for row in self._db.execute(f"SELECT {_COLUMNS} FROM node WHERE gid IN ({_marks(part)})", part):
                found[row[0]] = Row(*row)
        return found

    def children(self, parents: Iterable[str], connection: str) -> dict[str, list[Row]]:
        """All children of each parent by this connection, in their order (position, number)."""
        found: dict[str, list[Row]] = {}
        for part in _parts(parents):
            sql = (
                f"SELECT {_COLUMNS} FROM node WHERE parent_gid IN ({_marks(part)}) AND connection = ?"
                " ORDER BY parent_gid, position, num, gid"
            )
            for row in self._db.execute(sql, [*part, connection]):
                found.setdefault(row[2], []).append(Row(*row))
        return found

    def some_children(
        self, parent: str, connection: str, *, limit: int, after: tuple[int, int] | None, descending: bool
    ) -> list[Row]:
        """At most `limit` children of one parent, beyond the (position, number) of `after`."""
        way, beyond = ("DESC", "<") if descending else ("ASC", ">")
        bound: list[Any] = [parent, connection]
        condition = ""
        if after is not None:
            condition = f" AND (position, num) {beyond} (?, ?)"
            bound.extend(after)
        sql = (
            f"SELECT {_COLUMNS} FROM node WHERE parent_gid = ? AND connection = ?{condition}"
            f" ORDER BY position {way}, num {way} LIMIT ?"
        )
        return [Row(*row) for row in self._db.execute(sql, [*bound, limit])]

    def levels_at(
        self, location: str, *, where: str, values: Sequence[Any], after: str | None, limit: int
    ) -> list[Row]:
        """At most `limit` inventory levels of a location by their gid; their items own them, their bodies name it."""
        sql = (
            f"SELECT {_COLUMNS}, gid FROM node WHERE gid > ? AND gid < 'gid://shopify/InventoryLevel0'"
            f" AND json_extract(body, '$.location.id') = ? AND ({where}) ORDER BY gid LIMIT ?"
        )
        first = after or "gid://shopify/InventoryLevel/"
        return [Row(*row) for row in self._db.execute(sql, [first, location, *values, limit])]

    def count_children(self, parents: Iterable[str], connection: str) -> dict[str, int]:
        """How many children each parent has by this connection; parents without any are left out."""
        found: dict[str, int] = {}
        for part in _parts(parents):
            sql = (
                f"SELECT parent_gid, count(*) FROM node WHERE parent_gid IN ({_marks(part)}) AND connection = ?"
                " GROUP BY parent_gid"
            )
            found.update(self._db.execute(sql, [*part, connection]).fetchall())
        return found

    def page(
        self, type: str, *, where: str, values: Sequence[Any], order: str, descending: bool, limit: int
    ) -> list[Row]:
        """At most `limit` listed rows of a type, ordered by (order, num); `order` is a column or SQL expression."""
        way = "DESC" if descending else "ASC"
        keys = f"num {way}" if order == "num" else f"{order} {way}, num {way}"
        sql = (
            f"SELECT {_COLUMNS}, {order} FROM node WHERE listed = 1 AND type = ? AND ({where}) ORDER BY {keys} LIMIT ?"
        )
        return [Row(*row) for row in self._db.execute(sql, [type, *values, limit])]

    def stream(self, type: str, *, where: str, values: Sequence[Any], size: int = 500) -> Iterator[list[Row]]:
        """All listed rows of a type in batches, by number; memory holds one batch."""
        last = -1
        while True:
            rows = self.page(
                type, where=f"({where}) AND num > ?", values=[*values, last], order="num", descending=False, limit=size
            )
            if not rows:
                return
            yield rows
            last = rows[-1].num

    def count(self, type: str, *, where: str, values: Sequence[Any], limit: int | None) -> int:
        """How many listed rows match; stops counting at `limit` when given."""
        inner = f"SELECT 1 FROM node WHERE listed = 1 AND type = ? AND ({where})"
        bound: list[Any] = [type, *values]
        if limit is not None:
            inner += " LIMIT ?"
            bound.append(limit)
        return int(self._db.execute(f"SELECT count(*) FROM ({inner})", bound).fetchone()[0])

    def events(self, *, where: str, values: Sequence[Any], descending: bool, limit: int) -> list[Event]:
        """At most `limit` events in order of their id."""
        way = "DESC" if descending else "ASC"
        sql = (
            "SELECT id, action, subject_type, subject_gid, created_at FROM event"
            f" WHERE {where} ORDER BY id {way} LIMIT ?"
        )
        return [Event(*row) for row in self._db.execute(sql, [*values, limit])]

"""The clerk of a Shopify shop, which is a tree of nodes (`sandbox.vendors.shopify.store`)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from sandbox.prove.clerk import Body, Taken, opened, read, written
from sandbox.vendors.shopify.store import EVENT_SUBJECTS, number_of
from sandbox.world.wire import gid, instant

_TYPES = {"products": "Product", "orders": "Order", "customers": "Customer"}
_ENTITIES = {
    "product": "Product",
    "variant": "ProductVariant",
    "order": "Order",
    "order_line": "LineItem",
    "refund": "Refund",
    "customer": "Customer",
}
_COLUMNS = (
    "gid, type, parent_gid, connection, position, created_at, updated_at, body, num, listed, processed_at, status"
)
_BELOW = """
WITH RECURSIVE below(gid) AS (SELECT ? UNION SELECT node.gid FROM node JOIN below ON node.parent_gid = below.gid)
SELECT {columns} FROM node WHERE gid IN (SELECT gid FROM below) ORDER BY gid <> ?, gid
"""
_UPDATED, _BODY = 6, 7
Row = tuple[Any, ...]


class NodesClerk:
    """See `Clerk`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ids(self, kind: str) -> list[str]:
        """See `Clerk`."""
        with opened(self._path) as db:
            return [
                str(row[0]) for row in db.execute("SELECT num FROM node WHERE type = ? ORDER BY num", (_TYPES[kind],))
            ]

    def touch(self, kind: str, id: str, word: str, at: datetime) -> None:
        """See `Clerk`."""
        owner = gid(_TYPES[kind], int(id))
        with opened(self._path) as db:
            if kind == "orders":
                line = _lines(db, owner)[-1]
                _write(db, line, {"quantity": read(line[_BODY])["quantity"] + 1}, None)
                _write(db, _node(db, owner), {}, at)
            else:
                _write(db, _node(db, owner), {"title" if kind == "products" else "firstName": word}, at)

    def census(self) -> dict[str, set[str]]:
        """See `Clerk`."""
        with opened(self._path) as db:
            return {
                name: {str(row[0]) for row in db.execute("SELECT num FROM node WHERE type = ?", (kind,))}
                for name, kind in _ENTITIES.items()
            }

    def long_orders(self) -> list[str]:
        """See `Clerk`."""
        with opened(self._path) as db:
            return [id for id in self.ids("orders") if len(_lines(db, gid("Order", int(id)))) > 1]

    def shorten(self, id: str, at: datetime) -> None:
        """See `Clerk`."""
        owner = gid("Order", int(id))
        with opened(self._path) as db:
            db.execute("DELETE FROM node WHERE gid = ?", (_lines(db, owner)[-1][0],))
            _write(db, _node(db, owner), {}, at)

    def take(self, kind: str, id: str) -> Taken:
        """See `Clerk`. The stock of a product's variants goes with it."""
        owner = gid(_TYPES[kind], int(id))
        with opened(self._path) as db:
            rows = _below(db, owner)
            for row in list(rows):
                if row[1] == "ProductVariant":
                    rows += _below(db, read(row[_BODY])["inventoryItem"]["id"])
        return Taken(kind, id, tuple(rows))

    def remove(self, kind: str, id: str, at: datetime) -> None:
        """See `Clerk`. The shop keeps an event of it."""
        taken = self.take(kind, id)
        with opened(self._path) as db:
            db.executemany("DELETE FROM node WHERE gid = ?", [row[:1] for row in taken.rows])
            subject = EVENT_SUBJECTS[_TYPES[kind]]
            event = ("destroy", subject, taken.rows[0][0], instant(at))
            db.execute("INSERT INTO event(action, subject_type, subject_gid, created_at) VALUES (?, ?, ?, ?)", event)

    def put(self, taken: Taken, at: datetime | None, id: str | None = None) -> None:
        """See `Clerk`."""
        own, *more = taken.rows
        if id is not None:
            own, *more = [_renamed(row, own[0], gid(_TYPES[taken.kind], int(id))) for row in taken.rows]
        with opened(self._path) as db:
            marks = ", ".join("?" * len(own))
            db.executemany(f"INSERT OR REPLACE INTO node({_COLUMNS}) VALUES ({marks})", [own, *more])
            for row in (own, *more) if at is not None else ():
                _write(db, row, {}, at)


def _node(db: Connection, name: str) -> Row:
    found: Row = db.execute(f"SELECT {_COLUMNS} FROM node WHERE gid = ?", (name,)).fetchone()
    return found


def _below(db: Connection, name: str) -> list[Row]:
    return db.execute(_BELOW.format(columns=_COLUMNS), (name, name)).fetchall()


def _lines(db: Connection, order: str) -> list[Row]:
    asked = f"SELECT {_COLUMNS} FROM node WHERE parent_gid = ? AND connection = 'lineItems' ORDER BY position, num"
    return db.execute(asked, (order,)).fetchall()


def _write(db: Connection, row: Row, fields: Body, at: datetime | None) -> None:
    """Give a node these fields and, with an instant, a new date of change."""
    updated = row[_UPDATED] if at is None else instant(at)
    body = {**read(row[_BODY]), **fields}
    if "updatedAt" in body:  # else it is told by the column
        body["updatedAt"] = updated
    db.execute("UPDATE node SET updated_at = ?, body = ? WHERE gid = ?", (updated, written(body), row[0]))


def _renamed(row: Row, old: str, new: str) -> Row:
    """A node of a tree whose root gets another gid."""
    name, kind, parent, *more, body, _, listed, processed, status = row
    name = new if name == old else name
    body = body.replace(f'"{old}"', f'"{new}"')
    return name, kind, new if parent == old else parent, *more, body, number_of(name), listed, processed, status

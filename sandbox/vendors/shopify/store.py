"""The store of one simulated shop: writers put nodes in, the simulated API reads rows out (`reader.py`).

In: nodes (one JSON body per GraphQL object, field names and scalars exactly as on the wire), facts of the shop.

One SQLite file per shop, in WAL mode: one writer and many readers work at the same time.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

ALL_SCOPES: tuple[str, ...] = (
    "read_products",
    "read_inventory",
    "read_locations",
    "read_orders",
    "read_all_orders",
    "read_customers",
    "read_fulfillments",
    "read_shopify_payments_accounts",
    "read_shopify_payments_payouts",
    "read_shopify_payments_disputes",
)
PAYMENTS_ACCOUNT = "gid://shopify/ShopifyPaymentsAccount/1"
"""What payouts and disputes hang on; a shop that is paid otherwise has none."""
LISTED_TYPES = frozenset({"Product", "ProductVariant", "Customer", "Order", "Location", "InventoryItem"})
EVENT_SUBJECTS = {
    "Product": "PRODUCT",
    "ProductVariant": "PRODUCT_VARIANT",
    "Order": "ORDER",
    "Customer": "CUSTOMER",
}

ENTERPRISE_RATE = 2000
"""Points per second the cost bucket of a shop regains unless its facts say otherwise; Shopify's highest tier."""

_TABLES = """
CREATE TABLE IF NOT EXISTS node(
    gid TEXT PRIMARY KEY, type TEXT NOT NULL, parent_gid TEXT, connection TEXT, position INT NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, body TEXT NOT NULL,
    num INT NOT NULL, listed INT NOT NULL, processed_at TEXT, status TEXT);
CREATE TABLE IF NOT EXISTS event(
    id INTEGER PRIMARY KEY, action TEXT NOT NULL, subject_type TEXT NOT NULL, subject_gid TEXT NOT NULL,
    created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_CHILD_INDEX = """
CREATE INDEX IF NOT EXISTS node_child ON node(parent_gid, connection, position, num) WHERE parent_gid IS NOT NULL;
"""
_INDEXES = f"""{_CHILD_INDEX}
CREATE INDEX IF NOT EXISTS node_id ON node(type, num) WHERE listed = 1;
CREATE INDEX IF NOT EXISTS node_updated ON node(type, updated_at, num) WHERE listed = 1;
CREATE INDEX IF NOT EXISTS node_created ON node(type, created_at, num) WHERE listed = 1;
CREATE INDEX IF NOT EXISTS node_processed ON node(type, processed_at, num) WHERE listed = 1;
CREATE INDEX IF NOT EXISTS event_created ON event(action, subject_type, created_at);
"""
_PUT = """
INSERT INTO node(gid, type, parent_gid, connection, position, created_at, updated_at, body, num, listed, processed_at,
                 status)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT(gid) DO UPDATE SET type = excluded.type, parent_gid = excluded.parent_gid,
    connection = excluded.connection, position = excluded.position, created_at = excluded.created_at,
    updated_at = excluded.updated_at, body = excluded.body, num = excluded.num, listed = excluded.listed,
    processed_at = excluded.processed_at, status = excluded.status
"""
_DESCENDANTS = """
WITH RECURSIVE gone(gid) AS (SELECT ? UNION SELECT node.gid FROM node JOIN gone ON node.parent_gid = gone.gid)
"""
_NUMBER = re.compile(r"/(\d+)(?:\?.*)?$")
_FLUSH_AT = 20_000


def number_of(gid: str) -> int:
    """The number at the end of a gid: `gid://shopify/Product/12` -> 12, 0 when there is none."""
    found = _NUMBER.search(gid)
    return int(found.group(1)) if found else 0


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a shop's file. Raises FileNotFoundError when it is to be read and is not there."""
    if read_only and not path.exists():
        raise FileNotFoundError(f"There is no shop at {path}; write one with ShopWriter first.")
    connection = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")  # a simulated shop can be generated again
    if not read_only:
        connection.execute("PRAGMA cache_size = -64000")
    else:
        connection.execute("PRAGMA query_only = ON")
    return connection


class ShopWriter:
    """Writes one shop, as a context manager; puts and deletes keep their order, each `flush` is one transaction.

    Opening a shop that exists keeps its nodes and renews its facts. Secondary indexes are built when the writer
    closes, so the first fill of a large shop is quick.
    """

    def __init__(  # noqa: PLR0913 - a shop has these facts, all by name
        self,
        path: Path,
        *,
        name: str,
        domain: str,
        currency: str,
        timezone: str,
        created_at: str,
        client_id: str,
        client_secret: str,
        plan: str = "Basic",
        scopes: Sequence[str] = ALL_SCOPES,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        """`facts` adds or overrides meta keys: restore_rate, bucket_size, taxes_included, weight_unit, email, ..."""
        self.path = path
        self._meta = {
            "name": name,
            "domain": domain,
            "currency": currency,
            "timezone": timezone,
            "created_at": created_at,
            "plan": plan,
            "scopes": json.dumps(list(scopes)),
            "client_id": client_id,
            "client_secret": client_secret,
            "restore_rate": str(ENTERPRISE_RATE),
            **(facts or {}),
        }
        self._rows: list[tuple[Any, ...]] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = connect(path)
        self._db.executescript(_TABLES)
        self._db.executemany("INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)", list(self._meta.items()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
                self._db.executescript(_INDEXES)
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._db.close()

    def put(
        self,
        gid: str,
        type: str,
        body: Mapping[str, Any],
        *,
        parent: str | None = None,
        connection: str | None = None,
        position: int = 0,
        created_at: str,
        updated_at: str,
    ) -> None:
        """Insert or replace one node.

        `body` holds wire values; id, createdAt and updatedAt are filled from the columns when it lacks them. A child
        names its `parent` gid and the `connection` (or list field) it is reached by.
        """
        listed = type in LISTED_TYPES
        self._rows.append(
            (
                gid,
                type,
                parent,
                connection,
                position,
                created_at,
                updated_at,
                orjson.dumps(body).decode(),
                number_of(gid),
                int(listed),
                (body.get("processedAt") or created_at) if listed else None,
                str(body["status"]) if listed and "status" in body else None,
            )
        )
        if len(self._rows) >= _FLUSH_AT:
            self.flush()

    def delete(self, gid: str, at: str) -> None:
        """Remove the node with all below it; a Product, variant, order or customer leaves a `destroy` event at `at`."""
        self.flush()
        found = self._db.execute("SELECT type FROM node WHERE gid = ?", (gid,)).fetchone()
        if found is None:
            return
        self._db.execute(_CHILD_INDEX)
        with self._transaction():
            self._db.execute(_DESCENDANTS + "DELETE FROM node WHERE gid IN (SELECT gid FROM gone)", (gid,))
            subject = EVENT_SUBJECTS.get(found[0])
            if subject is not None:
                self._db.execute(
                    "INSERT INTO event(action, subject_type, subject_gid, created_at) VALUES ('destroy', ?, ?, ?)",
                    (subject, gid, at),
                )

    def flush(self) -> None:
        """Write what was put so far in one transaction; readers see all of it or nothing."""
        if not self._rows:
            return
        with self._transaction():
            self._db.executemany(_PUT, self._rows)
        self._rows.clear()

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db)


class _Transaction:
    """BEGIN IMMEDIATE ... COMMIT, or ROLLBACK when the block raises."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")


def write_meta(path: Path, facts: Mapping[str, str], *, expect: tuple[str, str | None] | None = None) -> bool:
    """Set facts of a shop. With `expect=(key, value)` only if that fact still has that value; says whether it did.

    `expect=(key, None)` asks that the fact is absent.
    """
    db = connect(path)
    try:
        with _Transaction(db):
            if expect is not None:
                held = db.execute("SELECT value FROM meta WHERE key = ?", (expect[0],)).fetchone()
                if (held[0] if held else None) != expect[1]:
                    return False
            db.executemany("INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)", list(facts.items()))
        return True
    finally:
        db.close()

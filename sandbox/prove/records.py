"""Clerks of REST vendors, whose shops are JSON records by kind and number (`sandbox.vendors.records`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from sandbox.prove.clerk import Body, Taken, opened, read, written

_COLUMNS = "kind, id, parent, status, created, modified, body"
BODY, _MODIFIED = 6, 5
Row = tuple[Any, ...]


class RecordsClerk:
    """See `Clerk`. What differs between vendors is where a body keeps things, and what hangs on a record."""

    instant = "%Y-%m-%dT%H:%M:%S"
    changed = "date_modified_gmt"
    title = "name"
    person = "first_name"
    lines = "line_items"
    line_id = "id"
    pieces = "quantity"
    with_choices = ("variable", "configurable")

    def __init__(self, path: Path) -> None:
        self._path = path

    def ids(self, kind: str) -> list[str]:
        """See `Clerk`."""
        with opened(self._path) as db:
            return [str(row[1]) for row in rows_of(db, "kind = ?", kind) if self.stands_alone(row)]

    def touch(self, kind: str, id: str, word: str, at: datetime) -> None:
        """See `Clerk`."""

        def change(body: Body) -> None:
            if kind == "orders":
                self.enlarge(body)
            else:
                body[self.title if kind == "products" else self.person] = word

        self._rewrite(kind, id, at, change)

    def shorten(self, id: str, at: datetime) -> None:
        """See `Clerk`."""
        self._rewrite("orders", id, at, self.curtail)

    def census(self) -> dict[str, set[str]]:
        """See `Clerk`."""
        with opened(self._path) as db:
            bodies = {
                kind: [read(row[BODY]) for row in rows_of(db, "kind = ?", kind)]
                for kind in ("products", "variations", "orders", "refunds", "customers")
            }
        found = {
            "product": self.ids("products"),
            "variant": [body["id"] for body in (*self.choices(bodies["products"]), *bodies["variations"])],
            "order": self.ids("orders"),
            "order_line": [line[self.line_id] for body in bodies["orders"] for line in self.sold(body)],
            "refund": [body["id"] for body in bodies["refunds"]],
            "customer": self.ids("customers"),
        }
        return {name: {str(one) for one in ids} for name, ids in found.items()}

    def long_orders(self) -> list[str]:
        """See `Clerk`."""
        with opened(self._path) as db:
            return [str(row[1]) for row in rows_of(db, "kind = 'orders'") if self.last_line(read(row[BODY]))]

    def take(self, kind: str, id: str) -> Taken:
        """See `Clerk`."""
        with opened(self._path) as db:
            [own] = rows_of(db, "kind = ? AND id = ?", kind, int(id))
            return Taken(kind, id, (own, *self.hanging_on(db, own)))

    def remove(self, kind: str, id: str, at: datetime) -> None:
        """See `Clerk`. The vendor keeps no date of it."""
        taken = self.take(kind, id)
        with opened(self._path) as db:
            db.executemany("DELETE FROM record WHERE kind = ? AND id = ?", [row[:2] for row in taken.rows])

    def put(self, taken: Taken, at: datetime | None, id: str | None = None) -> None:
        """See `Clerk`."""
        own, *more = taken.rows
        if id is not None:
            more = [self.rehung(row, own[1], int(id)) for row in more]
        if at is not None or id is not None:
            own = self._dated(own, at, int(id or own[1]))
        with opened(self._path) as db:
            marks = ", ".join("?" * len(own))
            db.executemany(f"INSERT OR REPLACE INTO record({_COLUMNS}) VALUES ({marks})", [own, *more])

    def choices(self, products: list[Body]) -> list[Body]:
        """What can be bought of these products, as far as their own bodies hold it."""
        return [body for body in products if body.get("type", body.get("type_id")) not in self.with_choices]

    def sold(self, body: Body) -> list[Body]:
        """The lines of an order that are sold by themselves."""
        return [line for line in body[self.lines] if "parent_item_id" not in line]

    def last_line(self, body: Body) -> int:
        """Where the last line of an order begins."""
        return len(body[self.lines]) - 1

    def enlarge(self, body: Body) -> None:
        """One piece more of an order's last line."""
        body[self.lines][self.last_line(body)][self.pieces] += 1

    def curtail(self, body: Body) -> None:
        """Take the last line out of an order."""
        del body[self.lines][self.last_line(body) :]

    def stands_alone(self, row: Row) -> bool:
        """Whether a record of the kind is one by itself."""
        return True

    def hanging_on(self, db: Connection, own: Row) -> list[Row]:
        """Rows that go with a record."""
        kind = {"products": "variations", "orders": "refunds"}.get(own[0])
        return list(rows_of(db, "kind = ? AND parent = ?", kind, own[1])) if kind else []

    def rehung(self, row: Row, owner: int, other: int) -> Row:
        """A row that hangs on another record than before."""
        kind, id, parent, *more, text = row
        body = read(text)
        body |= {name: other for name in ("parent_id", "order_id") if body.get(name) == owner}
        return kind, id, other if parent == owner else parent, *more, written(body)

    def renumber(self, body: Body, id: int) -> None:
        """Give a body another number."""
        body["id"] = id

    def date(self, body: Body, at: datetime) -> str:
        """Write into a body when it changed; returns what the file sorts it by."""
        modified = body[self.changed] = at.astimezone(UTC).strftime(self.instant)
        return modified

    def _rewrite(self, kind: str, id: str, at: datetime, change: Any) -> None:
        with opened(self._path) as db:
            [own] = rows_of(db, "kind = ? AND id = ?", kind, int(id))
            body = read(own[BODY])
            change(body)
            own = self._dated((*own[:BODY], written(body)), at, own[1])
            db.execute(
                "UPDATE record SET modified = ?, body = ? WHERE kind = ? AND id = ?", (*own[_MODIFIED:], kind, own[1])
            )

    def _dated(self, row: Row, at: datetime | None, id: int) -> Row:
        kind, _, parent, status, created, modified, text = row
        body = read(text)
        if at is not None:
            modified = self.date(body, at)
        self.renumber(body, id)
        return kind, id, parent, status, created, modified, written(body)


class MagentoClerk(RecordsClerk):
    """Magento's: choices are products that their family names, and stock goes by SKU."""

    instant = "%Y-%m-%d %H:%M:%S"
    changed = "updated_at"
    person = "firstname"
    lines = "items"
    line_id = "item_id"
    pieces = "qty_ordered"

    def last_line(self, body: Body) -> int:
        """The choice that was sold stands in a line after that of its family."""
        return max(place for place, item in enumerate(body["items"]) if "parent_item_id" not in item)

    def stands_alone(self, row: Row) -> bool:
        """A product that the shop shows by itself; a choice is not visible."""
        return row[0] != "products" or read(row[BODY]).get("visibility") != 1

    def hanging_on(self, db: Connection, own: Row) -> list[Row]:
        """See `RecordsClerk`."""
        if own[0] != "products":
            return super().hanging_on(db, own)
        extension = read(own[BODY])["extension_attributes"]
        links = extension.get("configurable_product_links", []) if isinstance(extension, dict) else []
        found = [row for link in links for row in rows_of(db, "kind = 'products' AND id = ?", link)]
        skus = {read(row[BODY])["sku"] for row in (own, *found)}
        return found + [row for row in rows_of(db, "kind = 'stock'") if read(row[BODY])["sku"] in skus]

    def renumber(self, body: Body, id: int) -> None:
        """An order has its number twice."""
        super().renumber(body, id)
        if "entity_id" in body:
            body["entity_id"] = id


def rows_of(db: Connection, where: str, *bound: object) -> Iterator[Row]:
    """Records of a shop's file that meet a condition, by their ids."""
    yield from db.execute(f"SELECT {_COLUMNS} FROM record WHERE {where} ORDER BY id", bound).fetchall()

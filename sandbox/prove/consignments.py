"""The clerk of a BigCommerce store: lines lie in consignments, variants in their product, and stock goes by location."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from sqlite3 import Connection

from sandbox.prove.clerk import Body, read, written
from sandbox.prove.records import BODY, RecordsClerk, Row, rows_of
from sandbox.world.wire import instant


class ConsignmentsClerk(RecordsClerk):
    """See `Clerk`."""

    def choices(self, products: list[Body]) -> list[Body]:
        """Every product has a variant at least."""
        return [variant for body in products for variant in body["variants"]]

    def sold(self, body: Body) -> list[Body]:
        """The lines of all consignments; what lies in a bundle is sold with it."""
        return [
            line for one in _consignments(body) for line in one["line_items"] if not line["parent_order_product_id"]
        ]

    def last_line(self, body: Body) -> int:
        """Where it stands among those of all consignments."""
        return len(self.sold(body)) - 1

    def enlarge(self, body: Body) -> None:
        """See `RecordsClerk`. An order says how many pieces it has."""
        self.sold(body)[-1]["quantity"] += 1
        body["items_total"] += 1

    def curtail(self, body: Body) -> None:
        """See `RecordsClerk`. A consignment without lines is none."""
        line = self.sold(body)[-1]
        for one in _consignments(body):
            one["line_items"] = [kept for kept in one["line_items"] if kept is not line]
        for where, kind in _places(body["consignments"]):
            where[kind] = [one for one in where[kind] if one["line_items"]]
        body["items_total"] -= line["quantity"]

    def hanging_on(self, db: Connection, own: Row) -> list[Row]:
        """A product's stock at all locations; coupons and refunds of an order."""
        if own[0] == "products":
            return [row for row in rows_of(db, "kind = 'stock'") if _identity(read(row[BODY])) == own[1]]
        return list(rows_of(db, "kind IN ('coupons', 'refunds') AND parent = ?", own[1])) if own[0] == "orders" else []

    def rehung(self, row: Row, owner: int, other: int) -> Row:
        """See `RecordsClerk`. Stock names its product, and what was given back beside goods its order."""
        *more, text = super().rehung(row, owner, other)
        body = read(text)
        if _identity(body) == owner:
            body["identity"]["product_id"] = other
        for item in body.get("items", ()):
            if item["item_type"] == "ORDER":
                item["item_id"] = other
        return *more, written(body)

    def renumber(self, body: Body, id: int) -> None:
        """What lies in a record has its number too."""
        super().renumber(body, id)
        for part in (*body.get("variants", ()), *body.get("images", ())):
            part["product_id"] = id
        for line in self.sold(body) if "consignments" in body else ():
            line["order_id"] = id

    def date(self, body: Body, at: datetime) -> str:
        """Orders, of V2, have RFC 2822."""
        modified = instant(at)
        body["date_modified"] = format_datetime(at.astimezone(UTC)) if "consignments" in body else modified
        return modified


def _places(consignments: Body) -> list[tuple[Body, str]]:
    """Where lists of consignments are kept, and under which names."""
    return [
        *((consignments, kind) for kind in ("pickups", "shipping", "downloads")),
        (consignments["email"], "gift_certificates"),
    ]


def _consignments(body: Body) -> list[Body]:
    return [one for where, kind in _places(body["consignments"]) for one in where[kind]]


def _identity(body: Body) -> int | None:
    """The product that stock is of."""
    found: int | None = body.get("identity", {}).get("product_id")
    return found

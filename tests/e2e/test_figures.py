"""Published sales equal what anybody can count from the shop's own records, to the cent and to the day, order by order.

Nothing of the platform takes part in the count: it reads the bodies that the simulated vendor keeps.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sandbox.world.spec import WorldSpec
from tests.e2e.conftest import CLEAN, Vendor, make_stack
from tests.e2e.stack import Body, Stack
from varai.marts import Reader
from varai.river.transform import transform

pytestmark = pytest.mark.slow
EUROPEAN = replace(CLEAN, orders=400, customers=120, products=30)
AMERICAN = replace(
    EUROPEAN, name="northwind-us", domain="northwind-us.myshopify.example.com", currency="USD", country="US",
    timezone="America/Los_Angeles",
)  # fmt: skip
FIGURES = (
    "orders", "gross_sales_minor", "discounts_minor", "returns_minor", "net_sales_minor", "tax_minor", "shipping_minor",
    "total_sales_minor", "gift_card_sales_minor", "refunded_minor", "adjustments_minor", "unexplained_minor",
)  # fmt: skip
Days = dict[date, Counter[str]]


@pytest.mark.parametrize(("spec", "region"), [(EUROPEAN, "eu"), (AMERICAN, "us")], ids=["tax within", "tax added"])
def test_published_sales_equal_a_count_of_the_shops_own_records(
    vendor: Vendor, home: Path, mongodb_uri: str, mongodb: str, spec: WorldSpec, region: str
) -> None:
    stack = make_stack(vendor, home, mongodb_uri, mongodb, spec, {}, region=region)
    assert stack.run().failures == {}
    assert transform(stack.settings, region, holder="test").findings == ()
    with Reader(stack.scope, stack.home / "cache").current(spec.name) as snapshot:
        rows = snapshot.query(f"SELECT booked_on, currency, {', '.join(FIGURES)} FROM daily_sales ORDER BY booked_on")
    days = Books(stack).days()
    expected = [
        {"booked_on": on, "currency": spec.currency, **{figure: days[on][figure] for figure in FIGURES}}
        for on in sorted(days)
    ]
    assert rows.to_pylist() == expected


class Books:
    """The shop's records by what they hang on, and the sums of its days."""

    def __init__(self, stack: Stack) -> None:
        self._zone = ZoneInfo(stack.spec.timezone)
        self._orders, self._refunds = stack.bodies("Order"), stack.bodies("Refund")
        self._lines = stack.bodies("LineItem")
        kinds = ("LineItem", "ShippingLine", "Refund", "RefundLineItem", "RefundShippingLine", "OrderAdjustment")
        self._below = {kind: self._by_parent(stack, kind) for kind in kinds}
        assert all(self._below.values()), "the shop is too small to have all that is counted"

    def days(self) -> Days:
        """Figures by the shop's own date."""
        days: Days = defaultdict(Counter)
        for gid, order in self._orders.items():
            if not order["test"]:
                self._sell(days[self._day(order)], gid, order["taxesIncluded"])
                for refund in self._below["Refund"][gid]:
                    self._give_back(days[self._day(refund)], refund, order["taxesIncluded"])
        for day in days.values():
            day["net_sales_minor"] = day["gross_sales_minor"] - day["discounts_minor"] - day["returns_minor"]
            day["total_sales_minor"] = day["net_sales_minor"] + day["tax_minor"] + day["shipping_minor"]
        return days

    def _sell(self, day: Counter[str], gid: str, included: bool) -> None:
        day["orders"] += 1
        for line in self._below["LineItem"][gid]:
            asked = minor(line["originalUnitPriceSet"]) * line["quantity"]
            off = sum(minor(part["allocatedAmountSet"]) for part in line["discountAllocations"])
            tax = taxes(line)
            net = asked - off - (tax if included else 0)
            gross = without_tax(asked, line) if included else asked
            day["tax_minor"] += tax
            if line["isGiftCard"]:
                day["gift_card_sales_minor"] += net
            else:
                day.update({"gross_sales_minor": gross, "discounts_minor": gross - net})
        for way in self._below["ShippingLine"][gid]:
            tax = taxes(way)
            day.update(
                {"tax_minor": tax, "shipping_minor": minor(way["discountedPriceSet"]) - (tax if included else 0)}
            )

    def _give_back(self, day: Counter[str], refund: Body, included: bool) -> None:
        total = minor(refund["totalRefundedSet"])
        left = total
        for row in self._below["RefundLineItem"][refund["id"]]:
            tax = minor(row["totalTaxSet"])
            goods = minor(row["subtotalSet"]) - (tax if included else 0)
            left -= goods + tax
            day["tax_minor"] -= tax
            if self._lines[row["lineItem"]["id"]]["isGiftCard"]:
                day["gift_card_sales_minor"] -= goods
            else:
                day["returns_minor"] += goods
        for row in self._below["RefundShippingLine"][refund["id"]]:
            tax = minor(row["taxAmountSet"])
            delivery = minor(row["subtotalAmountSet"]) - (tax if included else 0)
            left -= delivery + tax
            day.update({"tax_minor": -tax, "shipping_minor": -delivery})
        for row in self._below["OrderAdjustment"][refund["id"]]:
            given, tax = -minor(row["amountSet"]), -minor(row["taxAmountSet"])
            left -= given + tax
            day.update({"tax_minor": -tax, "adjustments_minor": given})
        assert left == 0, "the shop's own refund is not the sum of its parts"
        day["refunded_minor"] += total

    def _day(self, body: Body) -> date:
        return datetime.fromisoformat(body["processedAt"]).astimezone(self._zone).date()

    @staticmethod
    def _by_parent(stack: Stack, kind: str) -> Mapping[str, list[Body]]:
        found: dict[str, list[Body]] = defaultdict(list)
        parents = stack.parents(kind)
        for gid, body in stack.bodies(kind).items():
            found[parents[gid]].append(body)
        return found


def minor(bag: Body) -> int:
    """Cents of an amount in the shop's currency."""
    return int(Decimal(bag["shopMoney"]["amount"]) * 100)


def taxes(body: Body) -> int:
    """Cents of all taxes on a line or a delivery."""
    return sum(minor(tax["priceSet"]) for tax in body["taxLines"])


def without_tax(asked: int, line: Body) -> int:
    """What was asked for a line, less the tax that its rates say is in it; a tie goes to the even cent."""
    return round(asked / (1 + sum(Fraction(str(tax["rate"])) for tax in line["taxLines"])))

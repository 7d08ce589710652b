"""The marts of sales equal an independent recount in plain Python, to the minor unit."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest

pytestmark = pytest.mark.slow
SHOPS: Mapping[str, tuple[str, Fraction, bool]] = {
    "brille": ("Europe/Berlin", Fraction(19, 100), True),
    "lake": ("America/New_York", Fraction(8875, 100_000), False),
}
FIGURES = (
    "orders", "units", "units_returned", "gross_sales_minor", "discounts_minor", "returns_minor", "net_sales_minor", "tax_minor",
    "shipping_minor", "total_sales_minor", "gift_card_sales_minor", "refunded_minor", "adjustments_minor", "unexplained_minor",
)  # fmt: skip
PARTS = ("shipping_minor", "shipping_tax_minor", "adjustment_minor", "adjustment_tax_minor")
Row = dict[str, Any]
Days = dict[date, Counter[str]]


def _half_even(value: Fraction) -> int:
    return round(value)  # Python rounds fractions half to even, exactly


def _recount(tenant: str, rows: Mapping[str, list[Row]]) -> Days:
    """Daily figures of one shop, order by order."""
    zone, rate, included = SHOPS[tenant]
    days: Days = defaultdict(Counter)
    for order in rows["order"]:
        if order["test"]:
            continue
        lines = [line for line in rows["order_line"] if line["order_id"] == order["source_id"]]
        day = days[_day(order, zone)]
        for line in lines:
            _sell(day, line, rate, included)
        shipping_tax = order["tax_minor"] - sum(line["tax_minor"] for line in lines) if order["shipping_minor"] else 0
        shipping = order["shipping_minor"] - (shipping_tax if included else 0)
        day.update({"orders": 1, "tax_minor": order["tax_minor"], "shipping_minor": shipping})
        _give_back(days, order, rows, zone, included)
    for day in days.values():
        day["net_sales_minor"] = day["gross_sales_minor"] - day["discounts_minor"] - day["returns_minor"]
        day["total_sales_minor"] = day["net_sales_minor"] + day["tax_minor"] + day["shipping_minor"]
    return days


def _sell(day: Counter[str], line: Row, rate: Fraction, included: bool) -> None:
    gross, discount, tax = line["gross_minor"], line["discount_minor"], line["tax_minor"]
    net = gross - discount - (tax if included else 0)
    if included and tax == 0 and gross != discount:
        shown = gross
    elif included and discount:
        shown = _half_even(gross / (1 + rate))
    else:
        shown = net + discount
    if line["line_kind"] == "gift_card":
        day["gift_card_sales_minor"] += net
    else:
        day.update({"units": line["quantity"], "gross_sales_minor": shown, "discounts_minor": shown - net})


def _give_back(days: Days, order: Row, rows: Mapping[str, list[Row]], zone: str, included: bool) -> None:
    kinds = {line["source_id"]: line["line_kind"] for line in rows["order_line"]}
    for refund in rows["refund"]:
        if refund["order_id"] != order["source_id"]:
            continue
        day = days[_day(refund, zone)]
        shipping, shipping_tax, adjustment, adjustment_tax = (refund.get(part) or 0 for part in PARTS)
        rest = refund["total_minor"] - shipping - (0 if included else shipping_tax) - adjustment - adjustment_tax
        for line in rows["refund_line"]:
            if line["refund_id"] != refund["source_id"] or line["line_id"] not in kinds:
                continue  # of another refund, or of a line that is withheld
            subtotal, tax = line["subtotal_minor"], line["tax_minor"]
            rest -= subtotal + (0 if included else tax)
            day["tax_minor"] -= tax
            worth = subtotal - (tax if included else 0)
            if kinds[line["line_id"]] == "gift_card":
                day["gift_card_sales_minor"] -= worth
            else:
                day.update({"units_returned": line["quantity"], "returns_minor": worth})
        day["tax_minor"] -= shipping_tax + adjustment_tax
        day["shipping_minor"] -= shipping - (shipping_tax if included else 0)
        day.update(
            {"refunded_minor": refund["total_minor"], "adjustments_minor": adjustment, "unexplained_minor": rest}
        )


def _day(row: Row, zone: str) -> date:
    return row["processed_at"].astimezone(ZoneInfo(zone)).date()


@pytest.mark.parametrize("tenant", sorted(SHOPS))
def test_daily_sales_equal_a_recount(built: Any, tenant: str) -> None:
    found = built.query(
        f"SELECT booked_on, {', '.join(FIGURES)} FROM marts.daily_sales WHERE tenant = '{tenant}' ORDER BY booked_on"
    )
    days = _recount(tenant, built.world.rows[tenant])
    expected = [(day, *(days[day][figure] for figure in FIGURES)) for day in sorted(days)]
    assert found == expected
    assert len(found) > 50


@pytest.mark.parametrize("tenant", sorted(SHOPS))
def test_money_given_back_is_the_sum_of_what_it_was_given_for(built: Any, tenant: str) -> None:
    """To the cent, with what nobody explains as a part of its own, that is told as a finding."""
    parts = "goods_minor + shipping_minor + shipping_tax_minor + adjustment_minor + adjustment_tax_minor"
    refunds = built.query(
        f"SELECT refund_id, total_minor - ({parts}), unexplained_minor FROM intermediate.int_refund_split"
        f" WHERE tenant = '{tenant}'"
    )
    assert all(left == told for _, left, told in refunds)
    told = {finding.test: finding.rows for finding in built.report.findings}["int_refund_split_explains_refunds"]
    assert told[tenant] == sum(left != 0 for _, left, _ in refunds) > 0


@pytest.mark.parametrize("tenant", sorted(SHOPS))
def test_totals_are_what_the_shop_shows(built: Any, tenant: str) -> None:
    """Sales with gift cards, before refunds, are the sum of the orders' own totals."""
    shown = sum(order["total_minor"] for order in built.world.rows[tenant]["order"] if not order["test"])
    sold = built.query(
        "SELECT sum(gross_sales_minor - discounts_minor) FROM intermediate.int_order_line_valued"
        f" WHERE tenant = '{tenant}' AND NOT test"
    )
    rest = built.query(
        f"SELECT sum(tax_minor + shipping_minor) FROM intermediate.int_order_shipped WHERE tenant = '{tenant}' AND NOT test"
    )
    assert sold[0][0] + rest[0][0] == shown


def test_the_control_total_is_quantity_times_price_rounded_once(built: Any) -> None:
    rows = built.world.rows
    for tenant in SHOPS:
        lines = rows[tenant]["order_line"]
        expected = sum(_half_even(Fraction(line["unit_price"]) * line["quantity"] * 100) for line in lines)
        found = built.query(f"SELECT sum(gross_minor), count(*) FROM marts.fct_order_line WHERE tenant = '{tenant}'")
        assert found == [(expected, len(lines))]


def test_refunds_stand_beside_the_lines_they_give_back(built: Any) -> None:
    sold = {line["source_id"] for line in built.world.rows["lake"]["order_line"]}
    given: Counter[str] = Counter()
    for line in built.world.rows["lake"]["refund_line"]:
        if line["line_id"] in sold:
            given[line["line_id"]] += line["subtotal_minor"]
    found = dict(
        built.query(
            "SELECT line_id, refunded_minor FROM marts.fct_order_line WHERE tenant = 'lake' AND refunded_quantity > 0"
        )
    )
    assert found == dict(given)


def test_products_carry_stock_and_quality_and_deleted_ones_are_gone(built: Any) -> None:
    found = built.query(
        "SELECT variant_id, available, on_hand, locations, quality_score, product_quality_score, price"
        " FROM marts.dim_product WHERE tenant = 'lake' ORDER BY variant_id"
    )
    assert found == [("v1", 2, 8, 2, 75.0, 90.0, Decimal("99.5")), ("v2", None, None, 0, 75.0, 90.0, Decimal("99.5"))]


def test_only_the_tenant_whose_data_break_a_law_is_withheld(built: Any) -> None:
    assert built.report.withheld == {"broken"}
    assert {
        finding.test: dict(finding.rows)
        for finding in built.report.findings
        if finding.withholds and "lake" in finding.rows
    } == {}


def test_the_models_own_unit_tests_ran(built: Any) -> None:
    assert built.report.unit_tests >= 6

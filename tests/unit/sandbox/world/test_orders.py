"""Money of an order agrees with its parts, to the cent, whatever is discounted, taxed, shipped or given back."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest


def amount(bag: dict[str, Any]) -> int:
    value = Decimal(bag["shopMoney"]["amount"]) * 100
    assert value == value.to_integral_value()
    return int(value)


def taxes(rows: list[dict[str, Any]]) -> int:
    return sum(amount(tax["priceSet"]) for tax in rows)


def allocated(line: Any) -> int:
    return sum(amount(a["allocatedAmountSet"]) for a in line.body["discountAllocations"])


def test_totals_are_the_sum_of_their_parts(either: Any) -> None:
    lines, ways = either.by_parent("LineItem"), either.by_parent("ShippingLine")
    for order in either.of("Order"):
        body, mine = order.body, lines[order.gid]
        gross = sum(amount(line.body["originalUnitPriceSet"]) * line.body["quantity"] for line in mine)
        assert gross == sum(amount(line.body["originalTotalSet"]) for line in mine)
        discount = sum(allocated(line) for line in mine)
        shipping = sum(amount(way.body["discountedPriceSet"]) for way in ways.get(order.gid, []))
        tax = sum(taxes(line.body["taxLines"]) for line in mine)
        tax += sum(taxes(way.body["taxLines"]) for way in ways.get(order.gid, []))
        assert amount(body["totalDiscountsSet"]) == discount
        assert amount(body["subtotalPriceSet"]) == gross - discount
        assert amount(body["totalShippingPriceSet"]) == shipping
        assert amount(body["totalTaxSet"]) == taxes(body["taxLines"]) == tax
        added = 0 if body["taxesIncluded"] else tax
        assert amount(body["totalPriceSet"]) == gross - discount + shipping + added


def test_allocations_sum_to_their_discount_and_leave_nothing_negative(either: Any) -> None:
    lines, seen = either.by_parent("LineItem"), Counter[str]()
    for order in either.of("Order"):
        shares: dict[int, int] = defaultdict(int)
        before: dict[int, int] = defaultdict(int)
        for line in lines[order.gid]:
            left = amount(line.body["originalTotalSet"])
            for allocation in line.body["discountAllocations"]:
                index = allocation["discountApplication"]["index"]
                before[index] += left
                shares[index] += amount(allocation["allocatedAmountSet"])
                left -= amount(allocation["allocatedAmountSet"])
            assert left >= 0
        for application in order.body["discountApplications"]:
            value, index = application["value"], application["index"]
            seen[f"{application['__typename']} {value['__typename']}"] += 1
            if application["allocationMethod"] == "ACROSS" and "percentage" in value:
                assert abs(shares[index] - before[index] * value["percentage"] / 100) <= 0.5
            elif "amount" in value:
                assert shares[index] == min(int(Decimal(value["amount"]) * 100), before[index])
    assert len(seen) == 3, seen


def test_tax_is_held_in_europe_and_added_in_america(shop: Any, american: Any) -> None:
    assert {order.body["taxesIncluded"] for order in shop.of("Order")} == {True}
    assert {order.body["taxesIncluded"] for order in american.of("Order")} == {False}
    for line in shop.of("LineItem"):
        net = amount(line.body["originalTotalSet"]) - allocated(line)
        expected = 0 if line.body["isGiftCard"] else Decimal(net) * 20 / 120
        assert abs(taxes(line.body["taxLines"]) - expected) <= Decimal("0.5")


def test_refunds_give_back_at_most_what_was_paid(either: Any) -> None:
    orders = {order.gid: order for order in either.of("Order")}
    lines = {line.gid: line for line in either.of("LineItem")}
    given, shipped = either.by_parent("RefundLineItem"), either.by_parent("RefundShippingLine")
    settled = either.by_parent("OrderAdjustment")
    kinds: Counter[str] = Counter()
    for refund in either.of("Refund"):
        order, rows = orders[refund.parent or ""], given[refund.gid]
        included = order.body["taxesIncluded"]
        total = 0
        for row in rows:
            line = lines[row.body["lineItem"]["id"]]
            paid = amount(line.body["originalTotalSet"]) - allocated(line)
            assert 1 <= row.body["quantity"] <= line.body["quantity"]
            assert line.body["currentQuantity"] == line.body["quantity"] - row.body["quantity"]
            if row.body["quantity"] == line.body["quantity"]:
                assert amount(row.body["subtotalSet"]) == paid
            assert amount(row.body["subtotalSet"]) <= paid
            total += amount(row.body["subtotalSet"]) + (0 if included else amount(row.body["totalTaxSet"]))
        total += sum(amount(row.body["subtotalAmountSet"]) for row in shipped.get(refund.gid, []))
        for row in settled.get(refund.gid, []):
            total -= amount(row.body["amountSet"]) + amount(row.body["taxAmountSet"])
            kinds["fee" if amount(row.body["amountSet"]) > 0 else "goodwill"] += 1
        assert amount(refund.body["totalRefundedSet"]) == amount(order.body["totalRefundedSet"]) == total
        assert refund.body["processedAt"] > order.created_at
        kinds["whole" if total == amount(order.body["totalPriceSet"]) else "partial"] += 1
        assert total <= amount(order.body["totalPriceSet"])
        kinds["cancelled"] += order.body["cancelledAt"] is not None
        kinds["delivery"] += refund.gid in shipped and order.body["cancelledAt"] is None
    for kind in ("whole", "partial", "cancelled", "delivery", "fee", "goodwill"):
        assert kinds[kind] > 0, kind


def test_payments_equal_what_the_order_says(either: Any) -> None:
    paid = either.by_parent("OrderTransaction")
    for order in either.of("Order"):
        by_kind: dict[str, int] = defaultdict(int)
        for payment in paid[order.gid]:
            by_kind[payment.body["kind"]] += amount(payment.body["amountSet"])
        assert by_kind["SALE"] == amount(order.body["totalPriceSet"])
        assert by_kind["REFUND"] == amount(order.body["totalRefundedSet"])


def test_lines_name_variants_that_exist_at_their_price(american: Any) -> None:
    variants = {variant.gid: variant.body for variant in american.of("ProductVariant")}
    for line in american.of("LineItem"):
        variant = variants[line.body["variant"]["id"]]
        assert (line.body["sku"], line.body["product"]) == (variant["sku"], variant["product"])
        assert line.body["originalUnitPriceSet"]["shopMoney"]["amount"] == variant["price"]


def test_the_mix_has_all_that_a_report_must_tell_apart(either: Any) -> None:
    orders, lines = either.of("Order"), either.of("LineItem")
    shipped = either.by_parent("ShippingLine")
    assert len(orders) == either.spec.orders
    for name, some in {
        "test": [o for o in orders if o.body["test"]],
        "guest": [o for o in orders if o.body["customer"] is None],
        "cancelled": [o for o in orders if o.body["cancelledAt"]],
        "gift card": [i for i in lines if i.body["isGiftCard"]],
        "several pieces": [i for i in lines if i.body["quantity"] > 1],
        "prescription": [i for i in lines if any(a["key"] == "rx_od_sphere" for a in i.body["customAttributes"])],
        "free delivery": [w for w in either.of("ShippingLine") if amount(w.body["originalPriceSet"]) == 0],
        "no delivery": [o for o in orders if o.gid not in shipped],
    }.items():
        assert some, f"no order or line with: {name}"
    repeat = Counter(o.body["customer"]["id"] for o in orders if o.body["customer"])
    assert max(repeat.values()) > 3


@pytest.mark.parametrize("kind", ["Order", "Customer", "Refund", "Product", "OrderTransaction"])
def test_nothing_happens_after_the_anchor_or_before_its_creation(either: Any, kind: str) -> None:
    for row in either.of(kind):
        assert row.created_at <= row.updated_at <= "2026-11-01T00:00:00Z"
        assert datetime.fromisoformat(row.created_at).tzinfo == UTC


def test_business_has_seasons_and_weekdays(american: Any) -> None:
    when = [datetime.fromisoformat(order.created_at) for order in american.of("Order")]
    assert (when[-1] - when[0]).days <= 731
    weekend = sum(at.weekday() >= 5 for at in when) / len(when)
    assert weekend > 2 / 7
    products = {product.gid: product.body["productType"] for product in american.of("Product")}
    sun: Counter[tuple[bool, bool]] = Counter()
    for line in american.of("LineItem"):
        month = int(line.created_at[5:7])
        if month in (6, 7, 12, 1):
            sun[month in (6, 7), products[line.body["product"]["id"]] == "Sunglasses"] += 1
    assert sun[True, True] / (sun[True, True] + sun[True, False]) > 0.6
    assert sun[False, True] / (sun[False, True] + sun[False, False]) < 0.35

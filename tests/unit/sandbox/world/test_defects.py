"""The truth ledger is the whole truth: an independent look at every row finds what was planted and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.world import DEFECTS, DefectRates, Truth, gtin, load_truth

HARD_MM = {"lens_width_mm": (30, 80), "bridge_mm": (8, 32), "temple_mm": (90, 170)}
CURRENCIES = {"EUR", "USD"}


def found_in(shop: Any) -> set[tuple[str, str, str]]:
    """(entity, source_id, defect) by looking at what stands in the file, with rules of its own."""
    found: set[tuple[str, str, str]] = set()
    variants = shop.of("ProductVariant")
    held = Counter(variant.body["sku"] for variant in variants)
    for variant in variants:
        found |= {("variant", variant.source_id, defect) for defect in in_variant(variant.body, held)}
    for product in shop.of("Product"):
        found |= {("product", product.source_id, defect) for defect in in_product(product.body)}
    for order in shop.of("Order"):
        found |= {("order", order.source_id, defect) for defect in in_order(order.body)}
    return found


def in_variant(body: dict[str, Any], held: Counter[str]) -> set[str]:
    price, former = Decimal(body["price"]), body["compareAtPrice"]
    defects = set()
    if body["barcode"] is not None and not gtin.is_valid(body["barcode"]):
        defects.add("gtin_check_digit")
    if held[body["sku"]] > 1:
        defects.add("duplicate_sku")
    if price <= 0:
        defects.add("price_not_positive")
    if former is not None and Decimal(former) <= price:
        defects.add("compare_at_not_above_price")
    for name, (low, high) in HARD_MM.items():
        value = body["metafields"].get(f"eyewear.{name}")
        if value is not None and not low <= Decimal(value) <= high:
            defects.add("impossible_mm")
    return defects


def in_product(body: dict[str, Any]) -> set[str]:
    text = body["title"] + body["descriptionHtml"]
    defects = set()
    if not body["title"].strip():
        defects.add("missing_title")
    if re.search(r"<\s*script|javascript:|\son\w+\s*=", body["descriptionHtml"], re.IGNORECASE):
        defects.add("html_script")
    if len(body["descriptionHtml"]) > 5_000:
        defects.add("description_too_long")
    if "\x00" in text:
        defects.add("nul_byte")
    if not parses(body["publishedAt"]):
        defects.add("malformed_date")
    return defects


def in_order(body: dict[str, Any]) -> set[str]:
    defects = set() if parses(body["processedAt"]) else {"malformed_date"}
    if body["currencyCode"] not in CURRENCIES:
        defects.add("unknown_currency")
    return defects


def parses(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def test_what_is_found_is_what_was_planted(shop: Any) -> None:
    planted = {(row.entity, row.source_id, row.defect) for row in shop.truth}
    assert found_in(shop) == planted


def test_every_class_is_planted_and_none_in_a_clean_shop(shop: Any, american: Any) -> None:
    assert {row.defect for row in shop.truth} == set(DEFECTS)
    assert found_in(american) == set()
    assert list(american.truth) == []


def test_a_row_carries_at_most_one_defect(shop: Any) -> None:
    rows = Counter((row.entity, row.source_id) for row in shop.truth)
    assert max(rows.values()) == 1


def test_variants_of_a_product_with_a_defect_are_clean(shop: Any) -> None:
    spoiled = {row.gid for row in shop.truth if row.entity == "product"}
    below = {v.source_id for v in shop.of("ProductVariant") if v.parent in spoiled}
    assert below
    assert not below & shop.truth.of("variant").keys()


def test_every_holder_of_a_shared_sku_is_listed(shop: Any) -> None:
    skus = {variant.source_id: variant.body["sku"] for variant in shop.of("ProductVariant")}
    listed = {row.source_id for row in shop.truth if row.defect == "duplicate_sku"}
    shared = {sku for sku, count in Counter(skus.values()).items() if count > 1}
    assert listed == {identity for identity, sku in skus.items() if sku in shared}
    assert len(listed) >= 2


def test_gtins_are_unique_also_when_spoiled(either: Any) -> None:
    codes = [v.body["barcode"].zfill(14) for v in either.of("ProductVariant") if v.body["barcode"]]
    assert len(codes) == len(set(codes))


def test_rates_hold(shop: Any) -> None:
    rates, counts = shop.spec.defects, Counter((row.entity, row.defect) for row in shop.truth)
    variants = len(shop.of("ProductVariant"))
    for defect in ("gtin_check_digit", "price_not_positive", "compare_at_not_above_price", "impossible_mm"):
        assert 0 < counts["variant", defect] <= getattr(rates, defect) * variants + 1
    assert counts["product", "description_too_long"] == rates.description_too_long == 1
    assert counts["order", "malformed_date"] < counts["order", "unknown_currency"] <= 0.005 * shop.spec.orders + 1


def test_the_long_description_has_five_megabytes(shop: Any) -> None:
    assert max(len(product.body["descriptionHtml"]) for product in shop.of("Product")) >= 5_000_000


def test_an_unknown_currency_stands_in_the_orders_own_money_only(shop: Any) -> None:
    unknown = {row.gid for row in shop.truth if row.defect == "unknown_currency"}
    lines = shop.by_parent("LineItem")
    for order in shop.of("Order"):
        if order.gid in unknown:
            assert order.body["totalPriceSet"]["shopMoney"]["currencyCode"] == "XXX"
            assert {line.body["originalTotalSet"]["shopMoney"]["currencyCode"] for line in lines[order.gid]} == {"EUR"}


def test_the_ledger_beside_the_shop_is_the_one_returned(shop: Any) -> None:
    saved = load_truth(shop.path)
    assert isinstance(saved, Truth)
    assert list(saved) == list(shop.truth)
    assert all(row.gid.endswith(f"/{row.source_id}") for row in saved)
    assert DefectRates.none() == shop.spec.defects.__class__(*[0] * 12)

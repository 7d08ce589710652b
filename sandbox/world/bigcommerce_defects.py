"""Defects of the catalogue in BigCommerce's shapes, chosen as for every shop of the world and noted in its ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from sandbox.vendors.records import Body
from sandbox.world import gtin
from sandbox.world.defects import Plan, plan
from sandbox.world.frames import Product
from sandbox.world.spec import DefectRates
from sandbox.world.truth import Truth


class Planted:
    """Which rows have which defect, and the ways to spoil a body with it."""

    def __init__(self, chosen: Plan) -> None:
        self._chosen = chosen

    def spoil_product(self, body: Body) -> None:
        """Plant the product's defect, if it has one."""
        match self._chosen.products.get(body["id"]):
            case "missing_title":
                body["name"] = ""
            case "html_script":
                body["description"] += "<script>document.location='https://example.org/'</script>"

    def spoil_variant(self, body: Body) -> None:
        """Plant the variant's defect, if it has one."""
        match self._chosen.variants.get(body["id"]):
            case "gtin_check_digit":
                body["gtin"] = gtin.spoil(body["gtin"], 1 + body["id"] % 9)
            case "price_not_positive":
                body["price"] = body["calculated_price"] = 0


def plant(products: Sequence[Product], rates: DefectRates, truth: Truth, random: Random) -> Planted:
    """Choose which rows of the catalogue have a defect, of the kinds that BigCommerce's shapes can carry (a SKU is never shared)."""
    carried = replace(
        DefectRates.none(),
        gtin_check_digit=rates.gtin_check_digit,
        price_not_positive=rates.price_not_positive,
        missing_title=rates.missing_title,
        html_script=rates.html_script,
    )
    return Planted(plan(products, [], carried, truth, random))

"""Defects of the catalogue in the cells of an export, chosen as for every shop of the world and noted in its ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from sandbox.world import gtin
from sandbox.world.defects import Plan, plan
from sandbox.world.frames import Product
from sandbox.world.spec import DefectRates
from sandbox.world.truth import Truth


class Planted:
    """Which rows have which defect, and the ways to spoil their cells with it."""

    def __init__(self, chosen: Plan, *, any: bool) -> None:
        self._chosen, self.any = chosen, any

    def spoil_product(self, number: int, cells: dict[str, str]) -> dict[str, str]:
        """The cells with the product's defect, if it has one."""
        match self._chosen.products.get(number):
            case "missing_title":
                return cells | {"Style Name": ""}
            case "html_script":
                return cells | {
                    "Description": cells["Description"] + "<script>document.location='https://example.org/'</script>"
                }
        return cells

    def spoil_variant(self, number: int, cells: dict[str, str]) -> dict[str, str]:
        """The cells with the variant's defect, if it has one."""
        match self._chosen.variants.get(number):
            case "duplicate_sku":
                return cells | {"SKU": self._chosen.skus[number]}
            case "gtin_check_digit":
                return cells | {"UPC": gtin.spoil(cells["UPC"], 1 + number % 9)}
            case "price_not_positive":
                return cells | {"Price": "$0.00", "List Price": ""}
        return cells


def plant(products: Sequence[Product], rates: DefectRates, truth: Truth, random: Random) -> Planted:
    """Choose which rows of the catalogue have a defect, of the kinds that cells can carry; of sales some lines are cut where any has."""
    carried = replace(
        DefectRates.none(),
        gtin_check_digit=rates.gtin_check_digit,
        duplicate_sku=rates.duplicate_sku,
        price_not_positive=rates.price_not_positive,
        missing_title=rates.missing_title,
        html_script=rates.html_script,
    )
    chosen = plan(products, [], carried, truth, random)
    return Planted(chosen, any=bool(chosen.products or chosen.variants))

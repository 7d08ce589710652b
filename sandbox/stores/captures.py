"""Captures of the sunglasses lists. In: DATA and a capture's name. Out: one `Pair` per GTIN.

A GTIN stands only in the picture's name (`LuxotticaRetail/<digits>_`) and may have lost a leading zero; it is padded to
14 digits. A GTIN that stands in the men's and in the women's list is taken from the men's: the two agree in all that is
taken over. What depends on the list (gender, how many colours it shows) is not taken over.
"""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

FIRST, SECOND = "1f58cce", "0b2d72f"
LISTS = ("men", "women")
_GTIN = re.compile(r"LuxotticaRetail/(\d+)_")


class Pair(NamedTuple):
    """A pair of sunglasses as one capture shows it; equal pairs mean nothing changed."""

    gtin: str
    digits: str
    name: str
    brand: str
    lens_colour: str
    colour: str
    rx_label: str
    polarised: bool
    junior: bool
    customisable: bool
    engravable: bool
    list_price: Decimal
    offer_price: Decimal | None
    out_of_stock: bool
    image: str

    @property
    def price(self) -> Decimal:
        """What it costs: the offer where there is one."""
        return self.list_price if self.offer_price is None else self.offer_price

    @property
    def compare_at(self) -> Decimal | None:
        """The list price where the offer is lower."""
        return self.list_price if self.price < self.list_price else None


def lists(data: Path, capture: str) -> list[Path]:
    """Where the lists of a capture are in DATA, men's first."""
    return [data / "catalog_sunglasses" / f"products-{which}-raw.{capture}.csv" for which in LISTS]


def read_capture(data: Path, capture: str) -> dict[str, Pair]:
    """GTIN -> pair, in the order of the lists.

    Raises FileNotFoundError when a list of the capture is missing, ValueError for a picture without a GTIN.
    """
    found: dict[str, Pair] = {}
    for path in lists(data, capture):
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist; give the folder that holds catalog_sunglasses/ as DATA.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                pair = _pair(row)
                found.setdefault(pair.gtin, pair)
    return found


def _pair(row: dict[str, str]) -> Pair:
    match = _GTIN.search(row["img"])
    if match is None:
        raise ValueError(f"The picture {row['img']} names no GTIN; expected LuxotticaRetail/<digits>_.")
    return Pair(
        gtin=match[1].zfill(14),
        digits=match[1],
        name=row["name"],
        brand=row["brand"],
        lens_colour=row["lensColor"],
        colour=row["localizedColorLabel"],
        rx_label=row["roxableLabel"],
        polarised=row["isPolarized"] == "True",
        junior=row["isJunior"] == "True",
        customisable=row["isCustomizable"] == "True",
        engravable=row["isEngravable"] == "True",
        list_price=_price(row["listPrice"]),
        offer_price=_price(row["offerPrice"]) if row["offerPrice"] else None,
        out_of_stock=row["isOutOfStock"] == "True",
        image=row["img"],
    )


def _price(text: str) -> Decimal:
    """`$1,213.00` -> 1213.00."""
    return Decimal(text.removeprefix("$").replace(",", ""))

"""The store's records as lines, no digit of an amount touched: V3 writes amounts as JSON numbers.

BigCommerce keeps four decimals (https://developer.bigcommerce.com/docs/rest-management/orders); V2 writes them as texts. PHP writes an
object that has nothing as an empty list: such `consignments` are written as the empty objects they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from varai.sources.contract import Page
from varai.sources.ndjson import Added, empty_objects, line_of, quoted_numbers

AMOUNTS: Final = (
    *("price", "cost_price", "retail_price", "sale_price", "calculated_price"),
    *("base_cost", "cost_ex_tax", "cost_inc_tax", "cost_tax"),
    *("amount", "discount", "total_amount", "total_tax", "requested_amount"),
)
"""Keys of numbers that are read digit for digit."""
_quoted = quoted_numbers(AMOUNTS)
_emptied = empty_objects(["consignments", "email"])


def line(node: msgspec.Raw, **more: Added) -> bytes:
    """One record as a line, with keys added."""
    return _quoted(_emptied(line_of(node, **more)))


def page(lines: Iterable[bytes]) -> Page:
    """A page of such lines, each a vendor record."""
    found = list(lines)
    return Page(b"".join(found), len(found), len(found))

"""The shop's records as lines, no digit of an amount touched: it writes amounts as JSON numbers.

PHP writes an object that has nothing as an empty list: such extension attributes are written as the empty object they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from varai.sources.ndjson import Added, empty_objects, has_long_number, line_of, lines_of, quoted_numbers
from varai.sources.proof import Record

AMOUNTS: Final = (
    *("price", "weight", "qty", "qty_ordered", "quantity", "percent", "base_amount"),
    *(
        "base_price",
        "base_row_total",
        "base_tax_amount",
        "base_discount_amount",
        "base_discount_tax_compensation_amount",
    ),
    *("base_subtotal", "base_grand_total", "base_total_paid", "base_adjustment_positive", "base_adjustment_negative"),
    *("base_shipping_amount", "base_shipping_tax_amount", "base_shipping_discount_amount"),
    "base_shipping_discount_tax_compensation_amnt",
)
"""Keys of numbers that are read digit for digit."""
_quoted = quoted_numbers(AMOUNTS)
_emptied = empty_objects(["extension_attributes"])


def line(node: msgspec.Raw, **more: Added) -> bytes:
    """One record as a line, with keys added."""
    return line_of(_emptied(_quoted(bytes(node))), **more)


def lines(records: Sequence[Record]) -> bytes:
    """Records as lines, each with its number as the text `id`."""
    nodes, added = [record.node for record in records], [b'"id":"%d"' % record.id for record in records]
    text = lines_of(nodes, added)
    if has_long_number(text):
        # By themselves, so that a record is the same line whatever stands beside it.
        text = lines_of([msgspec.Raw(_quoted(bytes(node))) for node in nodes], added)
    return _emptied(text)

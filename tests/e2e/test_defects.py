"""The gate against the truth ledger: every planted defect is found in the row it was planted in, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sandbox.world.spec import DEFECTS, DefectRates
from tests.e2e.conftest import WORLD, StackOf
from tests.e2e.stack import Stack
from varai import warehouse
from varai.gate import quarantine

# Each defect several times, so that one row found by luck does not stand for its class.
MANY = replace(
    WORLD,
    products=40,
    orders=60,
    defects=DefectRates(
        gtin_check_digit=0.06,
        duplicate_sku=0.06,
        price_not_positive=0.05,
        compare_at_not_above_price=0.05,
        impossible_mm=0.06,
        missing_title=0.08,
        html_script=0.08,
        nul_byte=0.08,
        malformed_date=0.08,
        malformed_order_date=0.05,
        unknown_currency=0.05,
        description_too_long=1,
    ),
)
Found = set[tuple[str, str, str]]
"""(entity, source_id, defect class)"""


@pytest.mark.slow
def test_precision_and_recall_are_one_for_every_class(stack_of: StackOf) -> None:
    stack = stack_of(MANY)
    assert stack.run("products", "orders").failures == {}
    planted = {(one.entity, one.source_id, one.defect) for one in stack.truth}
    found = _quarantined(stack) | _flagged(stack)
    assert {defect for _, _, defect in planted} == set(DEFECTS)
    told = {name: _rates(name, planted, found) for name in DEFECTS}
    assert told == dict.fromkeys(DEFECTS, (1.0, 1.0)), sorted(planted ^ found)


def _rates(defect: str, planted: Found, found: Found) -> tuple[float, float]:
    """Precision and recall of a class; a class that is never found has precision 0."""
    true = {one for one in planted if one[2] == defect}
    named = {one for one in found if one[2] == defect}
    right = len(true & named)
    return (right / len(named) if named else 0.0, right / len(true))


def _quarantined(stack: Stack) -> Found:
    """Reasons and flags of quarantined rows; those of an unmappable line says so itself."""
    rows = quarantine.list_rows(stack.scope, stack.spec.name, limit=None)
    return {
        (row.entity, row.source_id, reason)
        for row in rows
        for reason in (*row.reasons, *row.flags)
        if reason in DEFECTS
    }


def _flagged(stack: Stack) -> Found:
    """Flags of the rows that passed, as the warehouse holds them."""
    found: Found = set()
    with warehouse.connect(stack.settings.scope("eu")) as opened:
        tables = opened.rows(
            "SELECT table_name FROM information_schema.columns WHERE table_schema = 'raw' AND column_name = 'flags'"
        )
        for (entity,) in tables:
            for source_id, flags in opened.rows(f'SELECT source_id, flags FROM raw."{entity}" WHERE NOT deleted'):
                found |= {(entity, source_id, flag) for flag in flags or () if flag in DEFECTS}
    return found

"""What is in no figure stands beside them, by kind and with its value; what is in them does not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from tests.e2e.stack import Stack
from varai.canonical.mapping import UNMAPPABLE
from varai.gate import quarantine
from varai.kernel import BatchRef
from varai.marts import Reader
from varai.river.transform import transform

BAD_DATE = "2026-13-45T99:61:00Z"
Body = dict[str, Any]


def _minor(money: Body) -> int:
    return int(Decimal(money["shopMoney"]["amount"]) * 100)


def _refunds(stack: Stack) -> dict[str, Body]:
    """Refunds by the order they are of."""
    return {body["order"]["id"]: body for body in stack.bodies("Refund").values()}


@pytest.mark.slow
def test_what_is_in_no_figure_is_counted_by_kind(clean_stack: Stack) -> None:
    stack = clean_stack
    refunds, orders, lines = _refunds(stack), stack.bodies("Order"), stack.bodies("LineItem")
    refunded = list(refunds)
    assert len(refunded) >= 3, "the world is too small for this test"
    hidden, hurt, stale = refunded[:3]
    assert stack.run("shop").failures == {}
    stack.touch([hidden], processedAt=BAD_DATE)
    stack.touch([refunds[hurt]["id"]], processedAt=BAD_DATE)
    spoiled = next(gid for gid in lines if _order_of(stack, gid) not in refunded)
    stack.touch([spoiled], quantity="many")
    assert stack.run("orders").failures == {}
    stack.touch([stale], processedAt=BAD_DATE)  # its good version is in the warehouse by now
    assert stack.run("orders").failures == {}
    _leave_unmappable(stack, '{"id": null}', "b1")
    _leave_unmappable(stack, '{"id": null}', "b2")
    transform(stack.settings, stack.region, holder="test")

    with Reader(stack.scope, stack.home / "cache").current(stack.spec.name) as snapshot:
        told = snapshot.facts["withheld"]
        days = snapshot.query(
            "SELECT sum(refunded_minor)::BIGINT AS refunded, sum(orders)::BIGINT AS orders FROM daily_sales"
        )
    assert told == {
        "orders": 1,
        "value_minor": {"EUR": _minor(orders[hidden]["totalPriceSet"])},
        "unknown_value": 0,
        "order_lines": {"count": 1, "value_minor": {}, "unknown_value": 1},
        "refunds": _one(refunds[hurt]),
        "refund_lines": {"count": 0, "value_minor": {}, "unknown_value": 0},
        "returns": _one(refunds[hidden]),
        "unmappable": 1,
    }
    counted = [body for gid, body in refunds.items() if gid not in (hidden, hurt) and not orders[gid]["test"]]
    assert days["refunded"].to_pylist() == [sum(_minor(body["totalRefundedSet"]) for body in counted)]
    assert days["orders"].to_pylist() == [sum(not body["test"] for gid, body in orders.items() if gid != hidden)]


def _one(refund: Body) -> Body:
    return {"count": 1, "value_minor": {"EUR": _minor(refund["totalRefundedSet"])}, "unknown_value": 0}


def _order_of(stack: Stack, line: str) -> str:
    return stack.parents("LineItem")[line]


def _leave_unmappable(stack: Stack, line: str, batch: str) -> None:
    report = stack.state("orders").report()
    assert report is not None
    ref = BatchRef(
        region=stack.region, tenant=stack.spec.name, feed="shop", stream="orders", batch_id=batch, window=report.window,
        ingested_at=report.ingested_at, uri="", records=1, lines=1, sha256="", vendor_count=1, token=1,
    )  # fmt: skip
    table = pa.table(
        {
            "source_id": ["line-0"],
            "position": [0],
            "reason": ["missing_id"],
            "line": [line],
            "reasons": [["missing_id"]],
        }
    )
    assert quarantine.write(stack.scope, UNMAPPABLE, ref, table.to_reader(), sealed=True)

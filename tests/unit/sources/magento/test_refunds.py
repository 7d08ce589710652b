"""An order comes with its refunds, each told whose it is, in few and short questions."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.sources.conftest import check_a_refund_brings_its_order, minutes
from tests.unit.sources.magento.conftest import MakeShop, put_order, put_refund, stamp
from varai.kernel import Malformed
from varai.sources.magento.lines import line, lines
from varai.sources.proof import Record


def test_a_refund_that_cannot_be_told_whose_it_is_stops_with_a_sentence(magento_shop: MakeShop) -> None:
    shop = magento_shop(orders=4)
    with shop.records() as records:
        put_order(records, 3, base_currency_code=5, items={"0": {"item_id": 30}})
    with pytest.raises(Malformed, match="order 3, which was refunded, with items that cannot be read"):
        shop.read("orders")
    with shop.records() as records:
        put_order(records, 3, base_currency_code=5)
        body = {"id": 9103, "entity_id": 9103, "state": 2, "created_at": stamp(100), "updated_at": stamp(100)}
        records.put("refunds", body, created=stamp(100), modified=stamp(100), parent=3, status="2")
    with pytest.raises(Malformed, match="credit memo 9103, which names no order"):
        shop.read("orders")


@given(st.lists(st.tuples(st.floats(0, 10**6), st.sampled_from([1, 1234567890123456]), st.booleans()), max_size=4))
def test_an_order_is_the_same_line_whatever_stands_beside_it(orders: list[tuple[float, int, bool]]) -> None:
    records = []
    for number, (price, other, empty) in enumerate(orders):
        body = {"entity_id": number, "base_price": price, "other": other, "extension_attributes": [] if empty else {}}
        records.append(Record(number, "", msgspec.Raw(msgspec.json.encode(body))))
    assert lines(records) == b"".join(line(one.node, id=str(one.id)) for one in records)


def test_a_refund_brings_its_order_though_the_order_did_not_change(magento_shop: MakeShop) -> None:
    check_a_refund_brings_its_order(magento_shop(orders=4), put_refund, at=stamp(100))


def test_an_order_that_changes_keeps_its_refunds_but_those_cancelled(magento_shop: MakeShop) -> None:
    shop = magento_shop(orders=4)
    with shop.records() as records:
        put_order(records, 3, at=stamp(100))
        put_refund(records, 9103, 3, at=stamp(50), state=3)
    read = shop.read("orders", minutes(90, 110))
    assert (read.ids, read.children()) == ([3], {("3", 9003)})


@pytest.mark.parametrize(
    ("changed", "refunds"), [((2, 4), []), ((2, 3, 4), [("3", 9003)]), ((3, 11, 12), [("3", 9003), ("12", 9012)])]
)
def test_refunds_of_orders_that_lie_between_those_that_changed_are_not_taken(
    magento_shop: MakeShop, changed: tuple[int, ...], refunds: list[tuple[str, int]]
) -> None:
    shop = magento_shop(orders=12)
    with shop.records() as records:
        for number in changed:
            put_order(records, number, at=stamp(100))
    read = shop.read("orders", minutes(90, 110))
    assert (read.ids, read.children()) == (list(changed), set(refunds))


def test_many_orders_are_not_asked_one_by_one(magento_shop: MakeShop) -> None:
    shop = magento_shop(orders=120)
    read = shop.read("orders")
    assert len(read.children()) == 40
    assert sum(one["path"].endswith("creditmemos") for one in shop.requests()) == 1


def test_no_question_names_more_orders_than_an_address_holds(magento_shop: MakeShop) -> None:
    """More orders than are asked for at once, that lie far apart."""
    shop, changed = magento_shop(orders=1560), range(3, 1561, 3)
    with shop.records() as records:
        for number in changed:
            put_order(records, number, at=stamp(5000))
    read = shop.read("orders", minutes(4990, 5010))
    assert read.ids == list(changed)
    assert read.children() == {(str(number), 9000 + number) for number in changed}
    asked = [one["parameters"] for one in shop.requests() if one["path"].endswith("creditmemos")]
    named = [len(one["searchCriteria[filterGroups][0][filters][0][value]"].split(",")) for one in asked]
    assert max(named) == 100

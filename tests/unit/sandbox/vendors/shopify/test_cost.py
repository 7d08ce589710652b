"""The price of queries and the bucket that pays for them."""

from __future__ import annotations

from typing import Any

from sandbox.vendors.shopify.cost import Bucket

WIDE = "{ products(first: 250) { nodes { id variants(first: 100) { nodes { id inventoryItem { id } } } } } }"


def test_every_answer_tells_its_cost_and_what_is_left(make_shop: Any) -> None:
    shop = make_shop(products=4, restore_rate="100")
    cost = shop.ask(WIDE)["extensions"]["cost"]
    assert cost["requestedQueryCost"] == 2 + 16 * (1 + 2 + 10 * 2)
    assert cost["actualQueryCost"] == 2 + 2 * (1 + 2 + 2 * 2)
    status = cost["throttleStatus"]
    assert (status["maximumAvailable"], status["restoreRate"]) == (2000.0, 100.0)
    assert status["currentlyAvailable"] <= 2000 - cost["actualQueryCost"] + 1


def test_a_query_that_is_too_dear_is_never_run(make_shop: Any) -> None:
    shop = make_shop(products=1)
    line = "id variant { id product { id } } product { id }"
    dear = f"{{ orders(first: 250) {{ nodes {{ lineItems(first: 250) {{ nodes {{ {line} }} }} }} }} }}"
    answered = shop.ask(dear)
    extensions = answered["errors"][0]["extensions"]
    assert (extensions["code"], extensions["maxCost"]) == ("MAX_COST_EXCEEDED", 1000)
    assert extensions["cost"] > 1000
    assert "data" not in answered


def test_an_empty_bucket_throttles_inside_a_200(make_shop: Any) -> None:
    shop = make_shop(products=1, restore_rate="25")
    answers = [shop.ask(WIDE) for _ in range(2)]
    assert all("errors" not in answer for answer in answers)
    for _ in range(400):
        answered = shop.ask(WIDE)
        if "errors" in answered:
            break
    error = answered["errors"][0]
    assert (error["message"], error["extensions"]["code"]) == ("Throttled", "THROTTLED")
    cost = answered["extensions"]["cost"]
    assert cost["actualQueryCost"] is None
    assert cost["throttleStatus"]["currentlyAvailable"] < cost["requestedQueryCost"]


def test_the_bucket_refills_and_never_overflows() -> None:
    bucket = Bucket(1e-6)
    bucket.maximum = bucket._available = 100.0
    assert bucket.take(60)
    assert not bucket.take(60)
    bucket.give_back(30)
    assert bucket.take(60)
    bucket.give_back(500)
    assert bucket.status()["currentlyAvailable"] == 100
    bucket.drain()
    bucket.restore_rate = 1e9
    assert bucket.take(100)

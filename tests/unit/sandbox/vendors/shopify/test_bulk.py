"""Bulk operations: what runs, what is refused, and that files say what they hold."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from sandbox.vendors.shopify.admin import Admin
from sandbox.vendors.shopify.answers import Request
from sandbox.vendors.shopify.bulk import Operation, Work, check_bulk, write_lines
from sandbox.vendors.shopify.errors import ApiError
from sandbox.vendors.shopify.reader import ShopReader
from sandbox.vendors.shopify.selection import Compiler, Connection, Inner, Pick, Selection
from sandbox.vendors.shopify.store import ALL_SCOPES

PRODUCTS = """{ products { edges { node { id title
  variants { edges { node { id sku inventoryItem { unitCost { amount } }
    metafields { edges { node { key value } } } } } }
  images { edges { node { id url } } } } } } }"""


SIX_ROOTS = """{ a: products { nodes { id } } b: products { nodes { id } } c: products { nodes { id } }
  orders { nodes { id } } customers { nodes { id } } locations { nodes { id } } }"""
SIX_IN_ALL = """{ products { nodes { id variants { nodes { id metafields { nodes { id } } } } } }
  orders { nodes { id lineItems { nodes { id } } } } customers { nodes { id } } }"""


def lines_of(shop: Any, operation: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in shop.http.get(operation["url"]).text.splitlines()]


def test_every_object_is_a_line_and_children_name_their_parents(make_shop: Any) -> None:
    shop = make_shop(products=600)
    ended = shop.bulk(PRODUCTS)
    lines = lines_of(shop, ended)
    assert ended["status"] == "COMPLETED"
    assert ended["partialDataUrl"] is None
    roots = [line for line in lines if "__parentId" not in line]
    assert len(roots) == int(ended["rootObjectCount"]) == 600
    assert len(lines) == int(ended["objectCount"]) == 600 * (1 + 1 + 2 * (1 + 2))
    assert int(ended["fileSize"]) == len(shop.http.get(ended["url"]).content)
    ids = {line["id"] for line in lines if "id" in line}
    assert {line["__parentId"] for line in lines if "__parentId" in line} <= ids
    variant = next(line for line in lines if line.get("sku") == "SKU-502")
    assert variant == {
        "id": "gid://shopify/ProductVariant/502",
        "sku": "SKU-502",
        "inventoryItem": {"unitCost": {"amount": "30.00"}},
        "__parentId": "gid://shopify/Product/5",
    }


def test_an_ungrouped_file_keeps_no_order_and_a_grouped_one_does(make_shop: Any) -> None:
    shop = make_shop(products=600)

    def strays(lines: list[dict[str, Any]]) -> tuple[int, int]:
        """Children not directly after their root's lines, and children before their parent."""
        last, seen, apart, early = "", set(), 0, 0
        for line in lines:
            if line["id"].startswith("gid://shopify/Product/"):
                last = line["id"]
                seen.add(last)
            else:
                apart += line["__parentId"] != last
                early += line["__parentId"] not in seen
        return apart, early

    query = "{ products { nodes { id variants { nodes { id } } } } }"
    ungrouped = lines_of(shop, shop.bulk(query))
    parents = [int(line["__parentId"].rsplit("/", 1)[1]) for line in ungrouped if "__parentId" in line][:400]
    assert parents != sorted(parents)
    apart, early = strays(ungrouped)
    assert apart > 1000
    assert early > 100
    assert strays(lines_of(shop, shop.bulk(query, grouped=True))) == (0, 0)


def test_search_applies_and_an_empty_result_has_no_url(make_shop: Any) -> None:
    shop = make_shop(products=20)
    window = "{ products(query: \"updated_at:<'2026-10-01T00:06:00Z'\") { edges { node { id } } } }"
    assert shop.bulk(window)["rootObjectCount"] == "5"
    ended = shop.bulk('{ products(query: "id:>1000") { edges { node { id } } } }')
    assert (ended["status"], ended["objectCount"], ended["url"]) == ("COMPLETED", "0", None)


def test_orders_carry_lists_inline_and_connections_as_lines(make_shop: Any) -> None:
    shop = make_shop(products=1, orders=3)
    query = """{ orders { edges { node { id customer { id } refunds { id createdAt } transactions { kind }
      lineItems { edges { node { id quantity variant { id } taxLines { title } } } } } } } }"""
    lines = lines_of(shop, shop.bulk(query))
    assert len(lines) == 3 + 6
    order = next(line for line in lines if line["id"] == "gid://shopify/Order/2")
    assert [refund["id"] for refund in order["refunds"]] == ["gid://shopify/Refund/2"]
    assert order["transactions"] == [{"kind": "SALE"}]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("{ shop { name } }", "at least one connection"),
        ('{ node(id: "gid://shopify/Product/1") { id } }', "at least one connection"),
        ("{ products { edges { node { variants { edges { node { id } } } } } } }", "must select the 'id' field"),
        (
            "{ orders { edges { node { id refunds { id refundLineItems { edges { node { id } } } } } } } }",
            "connection field within a list field",
        ),
        (
            SIX_ROOTS,
            "more than 5 connections",
        ),
        (
            SIX_IN_ALL,
            "more than 5 connections",
        ),
        ("mutation { bulkOperationCancel(id: 1) { userErrors { message } } }", "must be queries"),
        ("{ products { edges { node { price } } } }", "Cannot query field 'price'"),
    ],
)
def test_what_cannot_run_is_refused_with_the_reason(make_shop: Any, query: str, reason: str) -> None:
    started = make_shop().start_bulk(query)
    assert started["bulkOperation"] is None
    assert started["userErrors"][0]["code"] == "INVALID"
    assert reason in started["userErrors"][0]["message"]


def test_five_run_at_once_and_a_cancelled_one_makes_room(make_shop: Any) -> None:
    shop = make_shop(products=1)
    shop.fault("stuck_bulk", times=5)
    query = "{ products { edges { node { id } } } }"
    running = [shop.start_bulk(query)["bulkOperation"]["id"] for _ in range(5)]
    refused = shop.start_bulk(query)
    assert refused["userErrors"][0]["code"] == "LIMIT_REACHED"
    cancel = "mutation($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status } userErrors { message } } }"
    assert shop.data(cancel, id=running[0])["bulkOperationCancel"]["bulkOperation"]["status"] == "CANCELING"
    assert shop.finished(running[0])["status"] == "CANCELED"
    assert shop.bulk(query)["status"] == "COMPLETED"
    listed = shop.data("{ bulkOperations(first: 10) { nodes { id status type } } }")["bulkOperations"]["nodes"]
    assert [held["status"] for held in listed] == ["CANCELED", "RUNNING", "RUNNING", "RUNNING", "RUNNING", "COMPLETED"]


def test_a_slow_one_runs_before_it_completes(make_shop: Any) -> None:
    shop = make_shop(products=1)
    shop.fault("slow_bulk", seconds=0.3)
    started = shop.start_bulk("{ products { edges { node { id } } } }")["bulkOperation"]
    listed = shop.data("{ bulkOperations(first: 1) { nodes { status objectCount } } }")["bulkOperations"]["nodes"]
    assert listed[0] in ({"status": status, "objectCount": "0"} for status in ("CREATED", "RUNNING"))
    assert shop.finished(started["id"])["objectCount"] == "1"


def test_connections_nest_two_deep_and_no_deeper() -> None:
    def nested(levels: int) -> Selection:
        inside = [nested(levels - 1)] if levels else []
        id_pick = Pick("id", "id", "Product", {}, "ID", nullable=False, listed=False, leaf=True)
        below = [pick for selection in inside for pick in selection.picks if pick.connection]
        inner = Inner("Product", {"Product": Selection("Product", [id_pick, *below])})
        connection = Connection("Product", [("nodes", inner)])
        made = Pick(
            "products", "products", "Product", {}, "ProductConnection", nullable=False, listed=False, leaf=False
        )
        made.connection = connection
        return Selection("Product", [made])

    check_bulk(nested(2))
    with pytest.raises(ApiError, match="nesting depth greater than 2"):
        check_bulk(nested(3))


def test_an_operation_that_is_cancelled_while_it_writes_stops(make_shop: Any) -> None:
    shop = make_shop(products=3)
    admin, reader = Admin(), ShopReader(shop.path)
    document = admin.document("{ products { nodes { id } } }")
    compiler = Compiler(admin.schema, document.fragments, {}, frozenset(ALL_SCOPES), bulk=True)
    selection = compiler.selection("QueryRoot", [document.operations[None].selection_set], [])
    work = Work("", selection, False, Request(reader, reader.meta(), frozenset(ALL_SCOPES), list), str)
    operation, file = Operation(1, {}), io.BytesIO()
    assert write_lines(file, operation, work, reader) == "COMPLETED"
    assert file.getvalue().count(b"\n") == 3
    operation.cancelled.set()
    file = io.BytesIO()
    assert write_lines(file, operation, work, reader) == "CANCELED"
    assert file.getvalue() == b""
    reader.close()


def test_a_failed_operation_leaves_half_a_file(make_shop: Any) -> None:
    shop = make_shop(products=20)
    shop.fault("failed_bulk")
    ended = shop.bulk("{ products { edges { node { id } } } }")
    assert (ended["status"], ended["errorCode"], ended["url"]) == ("FAILED", "INTERNAL_SERVER_ERROR", None)
    assert len(shop.http.get(ended["partialDataUrl"]).text.splitlines()) == 10


def test_counts_can_lie(make_shop: Any) -> None:
    shop = make_shop(products=4)
    shop.fault("wrong_count", delta=3)
    ended = shop.bulk("{ products { edges { node { id } } } }")
    assert (ended["objectCount"], len(lines_of(shop, ended))) == ("7", 4)


def test_a_result_is_fetched_by_its_signature_alone(make_shop: Any) -> None:
    shop = make_shop(products=2)
    url = shop.bulk("{ products { edges { node { id } } } }")["url"]
    assert shop.http.get(url).status_code == 200
    assert shop.http.get(url, headers={"Range": "bytes=5-9"}).content == shop.http.get(url).content[5:10]
    assert shop.http.get(url[:-1] + ("0" if url[-1] != "0" else "1")).status_code == 403
    assert shop.http.get(url.split("?")[0]).status_code == 403


def test_a_file_can_be_cut(make_shop: Any) -> None:
    shop = make_shop(products=50)
    url = shop.bulk("{ products { edges { node { id } } } }")["url"]
    shop.fault("cut", on="bulk")
    with pytest.raises(Exception, match=r"peer closed connection|incomplete"):
        shop.http.get(url)
    assert len(shop.http.get(url).text.splitlines()) == 50

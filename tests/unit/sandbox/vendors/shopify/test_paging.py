"""Pages are complete and in order, also while rows change; counts say whether they are exact."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.vendors.shopify.store import ALL_SCOPES

PAGES = """query($after: String, $q: String) {
  products(first: 7, after: $after, query: $q, sortKey: UPDATED_AT) {
    nodes { id updatedAt } pageInfo { hasNextPage endCursor } } }"""


def walk(shop: Any, q: str | None = None, between: Callable[[int], None] = lambda page: None) -> list[str]:
    """All product ids page by page; `between` runs after each page."""
    found: list[str] = []
    after = None
    while True:
        page = shop.data(PAGES, after=after, q=q)["products"]
        found += [node["id"] for node in page["nodes"]]
        between(len(found))
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def put_again(shop: Any, number: int, at: str) -> None:
    with shop.writer() as writer:
        writer.put(f"gid://shopify/Product/{number}", "Product", {"title": "moved"}, created_at=at, updated_at=at)


def test_pages_hold_every_row_once(make_shop: Any) -> None:
    shop = make_shop(products=30)
    assert walk(shop) == [f"gid://shopify/Product/{number}" for number in range(1, 31)]


def test_rows_changed_while_paging_are_met_again_and_none_is_lost(make_shop: Any) -> None:
    shop = make_shop(products=30)

    def touch(seen: int) -> None:
        if seen == 14:
            put_again(shop, 3, "2026-10-02T00:00:00Z")
            put_again(shop, 29, "2026-10-02T00:01:00Z")

    found = walk(shop, between=touch)
    assert {f"gid://shopify/Product/{number}" for number in range(1, 31)} == set(found)
    assert found.count("gid://shopify/Product/3") == 2
    assert found[-1] == "gid://shopify/Product/29"


def test_a_window_is_half_open_by_search(make_shop: Any) -> None:
    shop = make_shop(products=30)
    window = "updated_at:>='2026-10-01T00:10:00Z' AND updated_at:<'2026-10-01T00:20:00Z'"
    assert walk(shop, window) == [f"gid://shopify/Product/{number}" for number in range(10, 20)]
    assert shop.data("query($q: String) { productsCount(query: $q, limit: null) { count } }", q=window) == {
        "productsCount": {"count": 10}
    }


def test_search_understands_zones_ids_tags_status_and_ignores_the_unknown_with_a_warning(make_shop: Any) -> None:
    shop = make_shop(products=10)
    assert walk(shop, "updated_at:>'2026-10-01T02:08:00+02:00'") == [
        "gid://shopify/Product/9",
        "gid://shopify/Product/10",
    ]
    assert len(walk(shop, "tag:sun AND status:active")) == 5
    assert walk(shop, "id:>=9 -tag:sun") == ["gid://shopify/Product/10"]
    assert walk(shop, "id:2 OR (id:>8 AND NOT tag:optical)") == ["gid://shopify/Product/2", "gid://shopify/Product/9"]
    answered = shop.ask(PAGES, q="shape:round")
    assert len(answered["data"]["products"]["nodes"]) == 7
    assert answered["extensions"]["search"][0]["warnings"][0]["code"] == "invalid_field"


def test_reading_backwards_and_in_reverse_mirrors_reading_forwards(make_shop: Any) -> None:
    shop = make_shop(products=5)
    ask = "{ products(%s, sortKey: ID) { nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor } } }"
    last = shop.data(ask % "last: 2")["products"]
    assert [node["id"][-1] for node in last["nodes"]] == ["4", "5"]
    assert last["pageInfo"]["hasPreviousPage"] is True
    before = shop.data(ask % f'last: 2, before: "{last["pageInfo"]["startCursor"]}"')["products"]
    assert [node["id"][-1] for node in before["nodes"]] == ["2", "3"]
    assert [n["id"][-1] for n in shop.data(ask % "first: 3, reverse: true")["products"]["nodes"]] == ["5", "4", "3"]


def test_nested_connections_truncate_silently_and_can_be_drained(make_shop: Any) -> None:
    shop = make_shop(products=1)
    with shop.writer() as writer:
        for position in range(3, 8):
            gid = f"gid://shopify/ProductVariant/10{position}"
            body = {"price": "1.00", "inventoryItem": {"id": "gid://shopify/InventoryItem/101"}}
            kept = {"connection": "variants", "position": 20 - position, "created_at": "2026", "updated_at": "2026"}
            writer.put(gid, "ProductVariant", body, parent="gid://shopify/Product/1", **kept)
    inner = "variants(first: 3, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } }"
    first = shop.data(f"query($after: String) {{ products(first: 1) {{ nodes {{ {inner} }} }} }}")
    page = first["products"]["nodes"][0]["variants"]
    found = [node["id"] for node in page["nodes"]]
    while page["pageInfo"]["hasNextPage"]:
        ask = f"query($after: String, $id: ID!) {{ product(id: $id) {{ {inner} }} }}"
        page = shop.data(ask, after=page["pageInfo"]["endCursor"], id="gid://shopify/Product/1")["product"]["variants"]
        found += [node["id"] for node in page["nodes"]]
    assert found == [f"gid://shopify/ProductVariant/10{number}" for number in (1, 2, 7, 6, 5, 4, 3)]


def test_counts_stop_at_their_limit_unless_told_not_to(make_shop: Any) -> None:
    shop = make_shop(products=12)
    ask = "{ productsCount(limit: %s) { count precision } }"
    assert shop.data(ask % 10)["productsCount"] == {"count": 10, "precision": "AT_LEAST"}
    assert shop.data(ask % 12)["productsCount"] == {"count": 12, "precision": "EXACT"}
    assert shop.data(ask % "null")["productsCount"] == {"count": 12, "precision": "EXACT"}
    counted = shop.data("{ products(first: 1) { nodes { variantsCount { count } } } }")
    assert counted["products"]["nodes"][0]["variantsCount"]["count"] == 2


def test_objects_are_whole(make_shop: Any) -> None:
    """References, parents, lists of children, metafields and quantities come out as the API gives them."""
    shop = make_shop(products=1, orders=1)
    variant = """{ productVariants(first: 1) { edges { cursor node { __typename id legacyResourceId product { title }
      lens: metafield(namespace: "eyewear", key: "lens_width_mm") { key value type }
      metafields(first: 5) { nodes { namespace key } }
      inventoryItem { sku unitCost { amount } inventoryLevels(first: 5) { nodes {
        location { name } quantities(names: ["available", "incoming"]) { name quantity } } } } } } } }"""
    node = shop.data(variant)["productVariants"]["edges"][0]["node"]
    assert node["__typename"] == "ProductVariant"
    assert (node["id"], node["legacyResourceId"]) == ("gid://shopify/ProductVariant/101", "101")
    assert node["product"] == {"title": "Frame 1"}
    assert node["lens"] == {"key": "lens_width_mm", "value": "52", "type": "number_decimal"}
    assert [held["key"] for held in node["metafields"]["nodes"]] == ["bridge_mm", "lens_width_mm"]
    assert node["inventoryItem"]["sku"] == "SKU-101"
    assert node["inventoryItem"]["unitCost"] == {"amount": "30.00"}
    level = node["inventoryItem"]["inventoryLevels"]["nodes"][0]
    assert level["location"] == {"name": "Main"}
    assert [(held["name"], held["quantity"]) for held in level["quantities"]] == [("available", 101), ("incoming", 0)]
    order = """query($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on Order { name customer { id }
      totalPriceSet { shopMoney { amount currencyCode } } transactions(first: 5) { kind }
      refunds(first: 5) { id refundLineItems(first: 5) { nodes { quantity lineItem { id sku } } } }
      lineItems(first: 1) { nodes { sku variant { sku } taxLines { rate priceSet { shopMoney { amount } } } }
        pageInfo { hasNextPage } } } } }"""
    found, gone = shop.data(order, ids=["gid://shopify/Order/1", "gid://shopify/Order/77"])["nodes"]
    assert gone is None
    assert found["totalPriceSet"] == {"shopMoney": {"amount": "100.00", "currencyCode": "USD"}}
    assert found["refunds"][0]["refundLineItems"]["nodes"][0]["lineItem"] == {
        "id": "gid://shopify/LineItem/100",
        "sku": "SKU-101",
    }
    assert found["transactions"] == [{"kind": "SALE"}]
    assert found["lineItems"]["pageInfo"] == {"hasNextPage": True}
    assert found["lineItems"]["nodes"][0]["variant"] == {"sku": "SKU-101"}
    assert found["lineItems"]["nodes"][0]["taxLines"] == [{"rate": 0.2, "priceSet": {"shopMoney": {"amount": "1.00"}}}]


def test_stock_is_reached_by_location_and_by_when_it_moved(make_shop: Any) -> None:
    shop = make_shop(products=6)
    with shop.writer() as writer:
        elsewhere = {"location": {"id": "gid://shopify/Location/2"}}
        place: dict[str, Any] = {"connection": "inventoryLevels", "created_at": "2026", "updated_at": "2026"}
        level = "gid://shopify/InventoryLevel/2?inventory_item_id=101"
        writer.put(level, "InventoryLevel", elsewhere, parent="gid://shopify/InventoryItem/101", **place)
    ask = """query($q: String, $after: String) { location(id: "gid://shopify/Location/1") {
      inventoryLevels(first: 5, after: $after, query: $q) { nodes { id item { id } updatedAt }
        pageInfo { hasNextPage endCursor } } } }"""
    found: list[str] = []
    page = shop.data(ask)["location"]["inventoryLevels"]
    while True:
        found += [node["item"]["id"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        page = shop.data(ask, after=page["pageInfo"]["endCursor"])["location"]["inventoryLevels"]
    items = {f"gid://shopify/InventoryItem/{number}0{place}" for number in range(1, 7) for place in (1, 2)}
    assert (len(found), set(found)) == (12, items)
    moved = shop.data(ask, q="updated_at:>='2026-10-01T00:05:00Z'")["location"]["inventoryLevels"]["nodes"]
    assert {node["updatedAt"] for node in moved} == {"2026-10-01T00:05:00Z", "2026-10-01T00:06:00Z"}


def test_discount_applications_keep_their_kind(make_shop: Any) -> None:
    shop = make_shop(orders=1)
    applied = {"__typename": "DiscountCodeApplication", "index": 0, "code": "SUN", "value": {"percentage": 10.0}}
    allocation: dict[str, Any] = {"allocatedAmountSet": {"shopMoney": {"amount": "1.00", "currencyCode": "USD"}}}
    allocation["discountApplication"] = applied
    body = {"title": "Lens", "quantity": 1, "originalUnitPriceSet": allocation["allocatedAmountSet"]}
    with shop.writer() as writer:
        place = {"parent": "gid://shopify/Order/1", "connection": "lineItems", "position": 9}
        held = {**body, "discountAllocations": [allocation]}
        writer.put("gid://shopify/LineItem/9", "LineItem", held, created_at="2026", updated_at="2026", **place)
    ask = """{ node(id: "gid://shopify/LineItem/9") { ... on LineItem { discountAllocations {
      allocatedAmountSet { presentmentMoney { amount } }
      discountApplication { __typename index allocationMethod ... on DiscountCodeApplication { code }
        value { __typename ... on PricingPercentageValue { percentage } ... on MoneyV2 { amount } } } } } } }"""
    assert shop.data(ask)["node"]["discountAllocations"] == [
        {
            "allocatedAmountSet": {"presentmentMoney": {"amount": "1.00"}},
            "discountApplication": {
                "__typename": "DiscountCodeApplication",
                "index": 0,
                "allocationMethod": "ACROSS",
                "code": "SUN",
                "value": {"__typename": "PricingPercentageValue", "percentage": 10.0},
            },
        }
    ]


@pytest.mark.parametrize(
    ("kind", "field", "body"),
    [
        ("ProductVariant", "price", {"inventoryItem": {"id": "gid://shopify/InventoryItem/101"}}),
        ("LineItem", "quantity", {"title": "Frame"}),
    ],
)
def test_prices_and_quantities_are_never_made_up(make_shop: Any, kind: str, field: str, body: dict[str, Any]) -> None:
    shop = make_shop()
    gid = f"gid://shopify/{kind}/5"
    with shop.writer() as writer:
        writer.put(gid, kind, body, created_at="2026", updated_at="2026")
    answered = shop.ask(f"query($id: ID!) {{ node(id: $id) {{ ... on {kind} {{ {field} }} }} }}", id=gid)
    assert answered["data"] is None
    assert answered["errors"][0]["message"].startswith(f"the simulated shop holds a {kind} without {field}")


def test_deletes_leave_events_and_nothing_else(make_shop: Any) -> None:
    shop = make_shop(products=3)
    with shop.writer() as writer:
        writer.delete("gid://shopify/Product/2", "2026-10-05T00:00:00Z")
        writer.delete("gid://shopify/Product/2", "2026-10-06T00:00:00Z")
    ask = """query($q: String) { events(first: 5, query: $q) { nodes { createdAt action
      ... on BasicEvent { subjectId subjectType } } } productVariantsCount { count } }"""
    since = "action:destroy subject_type:PRODUCT created_at:>='%s'"
    found = shop.data(ask, q=since % "2026-10-05T00:00:00Z")
    assert found["events"]["nodes"] == [
        {
            "createdAt": "2026-10-05T00:00:00Z",
            "action": "destroy",
            "subjectId": "gid://shopify/Product/2",
            "subjectType": "PRODUCT",
        }
    ]
    assert found["productVariantsCount"]["count"] == 4
    assert shop.data(ask, q=since % "2026-10-05T00:00:01Z")["events"]["nodes"] == []


def test_without_read_all_orders_only_sixty_days_are_seen(make_shop: Any) -> None:
    scopes = tuple(scope for scope in ALL_SCOPES if scope != "read_all_orders")
    shop = make_shop(scopes=scopes)
    now = datetime.now(UTC)
    with shop.writer() as writer:
        for number, days in enumerate((1, 59, 61, 400), start=1):
            at = (now - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
            body = {"currencyCode": "USD"}
            writer.put(f"gid://shopify/Order/{number}", "Order", body, created_at=at, updated_at=at)
    ask = """{ orders(first: 9, sortKey: ID) { nodes { id } } ordersCount(limit: null) { count }
      hidden: order(id: "gid://shopify/Order/3") { id } }"""
    found = shop.data(ask)
    assert [node["id"][-1] for node in found["orders"]["nodes"]] == ["1", "2"]
    assert found["ordersCount"]["count"] == 2
    assert found["hidden"] is None
    assert shop.bulk("{ orders { edges { node { id } } } }")["rootObjectCount"] == "2"


@pytest.mark.parametrize("first", ["251", "-1"])
def test_pages_have_a_largest_size(make_shop: Any, first: str) -> None:
    answered = make_shop().ask(f"{{ products(first: {first}) {{ nodes {{ id }} }} }}")
    assert answered["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert "data" not in answered


def test_unknown_fields_are_refused_as_shopify_refuses_them(make_shop: Any) -> None:
    answered = make_shop().ask("{ products(first: 1) { nodes { bestSeller } } }")
    assert "Cannot query field 'bestSeller' on type 'Product'" in answered["errors"][0]["message"]


def test_the_shop_tells_zone_currency_and_scopes(make_shop: Any) -> None:
    shop = make_shop(taxes_included="true")
    found = shop.data(
        "{ shop { name ianaTimezone currencyCode taxesIncluded weightUnit plan { publicDisplayName } myshopifyDomain }"
        " currentAppInstallation { accessScopes { handle } } locations(first: 5) { nodes { name } } }"
    )
    assert found["shop"]["ianaTimezone"] == "America/New_York"
    assert found["shop"]["currencyCode"] == "USD"
    assert found["shop"]["taxesIncluded"] is True
    assert {s["handle"] for s in found["currentAppInstallation"]["accessScopes"]} == set(ALL_SCOPES)
    assert found["locations"]["nodes"] == [{"name": "Main"}]

"""Each fault of the vendor ends converged on what the shop holds, or as a typed error: never in silence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.sources.conftest import ALL_AS_WINDOW, WHOLE, MakeShop, put_level, put_product, stamp
from varai.kernel import Malformed, Throttled, Unauthorised, Unavailable, Unbalanced, VaraiError, Window
from varai.sources import Page
from varai.sources.shopify import client

PASSING: list[tuple[str, dict[str, Any]]] = [
    ("429", {"retry_after": 0}),
    ("429", {}),
    ("5xx", {}),
    ("5xx", {"status": 500, "times": 3}),
    ("cut", {"on": "graphql"}),
    ("truncated_json", {}),
    ("wrong_content_type", {}),
    ("slow", {"seconds": 0.05, "on": "graphql"}),
    ("expired_token", {}),
    ("throttled", {"times": 2}),
    ("clock_skew", {"seconds": 300}),
    ("5xx", {"on": "token"}),
    ("wrong_count", {"match": "productsCount", "delta": 2}),
    ("wrong_count", {"match": "productsCount", "delta": -1}),
]
OF_PAGES: list[tuple[str, dict[str, Any]]] = [
    ("duplicate_page", {"match": "UPDATED_AT"}),
    ("duplicate_page", {"match": "UPDATED_AT", "times": 3}),
    ("missing_page", {"match": "UPDATED_AT"}),
]
OF_BULK: list[tuple[str, dict[str, Any]]] = [
    ("cut", {"on": "bulk"}),
    ("cut", {"on": "bulk", "times": 3}),
    ("slow", {"on": "bulk", "seconds": 0.05}),
    ("5xx", {"on": "bulk"}),
    ("429", {"on": "bulk"}),
    ("failed_bulk", {"times": 2}),
]
IN_BULK = [(WHOLE, *fault) for fault in PASSING + OF_BULK]
PAGED = [(ALL_AS_WINDOW, *fault) for fault in PASSING + OF_PAGES]


@pytest.mark.parametrize(("window", "kind", "options"), IN_BULK + PAGED)
def test_a_passing_fault_converges(make_shop: MakeShop, window: Window, kind: str, options: dict[str, Any]) -> None:
    shop = make_shop(products=11)
    shop.fault(kind, **options)
    landed = shop.land("products", window, page_size=4)
    assert shop.waiting_faults() == []
    assert landed.ids() == {f"gid://shopify/Product/{number}" for number in range(1, 12)}
    assert len(landed.ids("variants", "ProductVariant")) == 33
    assert landed.records == landed.vendor_count == 11


LASTING: list[tuple[str, dict[str, Any], type[VaraiError], str]] = [
    ("429", {"retry_after": 0}, Throttled, "429"),
    ("429", {"retry_after": 3600}, Throttled, "429"),
    ("5xx", {}, Unavailable, "503"),
    ("cut", {}, Unavailable, "broke"),
    ("truncated_json", {}, Malformed, "cut or broken"),
    ("wrong_content_type", {}, Malformed, "text/html"),
    ("throttled", {}, Throttled, "kept the feed throttled"),
    ("revoked_token", {}, Unauthorised, "token"),
    ("wrong_version", {"version": "2027-01"}, Malformed, "'2027-01', but 2026-10 was asked for"),
]


@pytest.mark.parametrize(("kind", "options", "error", "words"), LASTING)
def test_a_lasting_fault_is_a_typed_error(
    make_shop: MakeShop,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    options: dict[str, Any],
    error: type[VaraiError],
    words: str,
) -> None:
    monkeypatch.setattr(client, "LONGEST_THROTTLE_S", 1.0)
    shop = make_shop(products=3)
    shop.fault(kind, times=-1, **options)
    with pytest.raises(error, match=words) as caught:
        shop.land("products")
    assert caught.value.cure


def test_the_vendors_retry_after_is_passed_on(make_shop: MakeShop) -> None:
    shop = make_shop(products=1)
    shop.fault("429", times=-1, retry_after=3600)
    with pytest.raises(Throttled) as caught:
        shop.land("products")
    assert caught.value.retry_after_s == 3600
    assert len(shop.requests()) <= 2, "an hour is not waited for, nor asked again before"


def test_a_bulk_file_that_is_not_what_was_counted_is_unbalanced(make_shop: MakeShop) -> None:
    shop = make_shop(products=3)
    shop.fault("wrong_count", match="bulkOperationRunQuery", delta=1)
    with pytest.raises(Unbalanced, match="holds 15 lines, 3 of them records, but the operation counted 16 and 4"):
        shop.land("products")


def test_a_count_that_stays_wrong_leaves_the_slice_unbalanced(make_shop: MakeShop) -> None:
    shop = make_shop(products=3)
    shop.fault("wrong_count", match="productsCount", delta=1, times=-1)
    landed = shop.land("products")
    assert landed.records == 3
    assert landed.vendor_count == 4


def test_a_level_that_one_pass_missed_is_read_by_the_next_and_no_other_twice(make_shop: MakeShop) -> None:
    shop = make_shop(products=4)
    put: list[Page] = []

    def stock(page: Page) -> None:
        if not put:
            put.append(page)
            with shop.writer() as writer:
                item = {"sku": "SKU-1000", "tracked": True}
                when: dict[str, Any] = {"created_at": stamp(0), "updated_at": stamp(0)}
                writer.put("gid://shopify/InventoryItem/1000", "InventoryItem", item, **when)
                put_level(writer, 1000, at=stamp(9))  # sorts before all that was read

    landed = shop.land("inventory", ALL_AS_WINDOW, page_size=5, between=stock)
    assert landed.records == landed.vendor_count == len(landed.ids()) == 13


def test_a_download_that_is_cut_after_some_blocks_goes_on_where_it_was(make_shop: MakeShop) -> None:
    shop = make_shop(products=4)
    with shop.writer() as writer:
        for number in (2, 3):
            put_product(writer, number, text="x" * 1_500_000)
    shop.fault("cut", on="bulk", times=2)
    landed = shop.land("products")
    assert shop.waiting_faults() == []
    assert sorted(len(line["descriptionHtml"]) > 1_000_000 for line in landed.roots) == [False, False, True, True]
    assert landed.records == landed.vendor_count == len(landed.roots) == 4
    assert len([line for line in landed.lines if "__parentId" in line]) == 16


def test_errors_and_logs_hold_no_token(make_shop: MakeShop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    shop = make_shop(products=1)
    shop.land("products")
    token = (shop.tokens.held or {})["access_token"]
    shop.fault("5xx", times=-1)
    with pytest.raises(Unavailable) as caught:
        shop.land("products")
    said = caplog.text + str(caught.value)
    for secret in (token, "hush", "Signature="):
        assert secret not in said

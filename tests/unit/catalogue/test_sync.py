"""Laws of publishing: the same rows twice leave the same state, the newest stays, nothing unchanged is written."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from varai.catalogue import (
    INDEXES,
    bury,
    count_live,
    digest,
    ensure_indexes,
    give_way,
    mark_stale,
    publish,
    revert,
    version,
)
from varai.kernel import Feed, Misconfigured, ResidencyBreach, Scope
from varai.stores import documents

Rows = Callable[..., pa.Table]


def at(hours: float) -> datetime:
    return datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=hours)


def shop_of(staged: Rows, products: int = 3) -> dict[str, pa.Table]:
    """Products with two variants and one image each."""
    ids = [str(100 + number) for number in range(products)]
    variants = [
        {"source_id": f"{one}{v}", "product_id": one, "price": Decimal("149.900000"), "currency": "EUR", "position": v}
        for one in ids
        for v in (1, 2)
    ]
    images = [{"source_id": f"i{one}", "product_id": one, "url": f"https://img/{one}", "position": 1} for one in ids]
    return {
        "product": staged("product", *({"source_id": one, "title": f"Frame {one}"} for one in ids)),
        "variant": staged("variant", *variants),
        "image": staged("image", *images),
    }


def product(scope: Scope, source_id: str = "100") -> dict[str, Any] | None:
    return documents(scope)["products"].find_one({"_id": f"north/shop/{source_id}"})


def test_a_product_is_one_document_with_its_variants_and_images_by_id(scope: Scope, feed: Feed, staged: Rows) -> None:
    report = publish(scope, feed, shop_of(staged), run_id="r1")
    assert (report.written, report.skipped, report.tombstoned) == (3, 0, 0)
    found = product(scope)
    assert found is not None
    assert found["product"]["title"] == "Frame 100"
    assert sorted(found["variants"]) == ["1001", "1002"]
    assert found["images"]["i100"]["url"] == "https://img/100"


def test_decimals_are_exact_and_never_floats(scope: Scope, feed: Feed, staged: Rows) -> None:
    prices = ["0.1", "149.90", "100000000000.000001", "1200"]
    rows = ({"source_id": f"v{n}", "product_id": "100", "price": Decimal(text)} for n, text in enumerate(prices))
    publish(scope, feed, {"variant": staged("variant", *rows)}, run_id="r1")
    found = product(scope)
    assert found is not None
    kept = [found["variants"][f"v{n}"]["price"].to_decimal() for n in range(len(prices))]
    assert kept == [Decimal(text) for text in prices]


def test_publishing_the_same_rows_again_writes_no_document(scope: Scope, feed: Feed, staged: Rows) -> None:
    publish(scope, feed, shop_of(staged), run_id="r1")
    before = digest(scope, "north")
    report = publish(scope, feed, shop_of(staged), run_id="r2")
    assert (report.written, report.skipped) == (0, 3)
    assert digest(scope, "north") == before


def test_a_change_in_one_variant_writes_one_document_and_leaves_its_siblings(
    scope: Scope, feed: Feed, staged: Rows
) -> None:
    publish(scope, feed, shop_of(staged), run_id="r1")
    dearer = staged(
        "variant", {"source_id": "1001", "product_id": "100", "price": Decimal(160), "source_updated_at": at(2)}
    )
    assert publish(scope, feed, {"variant": dearer}, run_id="r2").written == 1
    found = product(scope)
    assert found is not None
    assert found["variants"]["1001"]["price"].to_decimal() == 160
    assert found["variants"]["1002"]["run_id"] == "r1"
    assert found["product"]["title"] == "Frame 100"


def test_a_new_verdict_on_the_same_content_is_written(scope: Scope, feed: Feed, staged: Rows) -> None:
    row = {"source_id": "100", "title": "x", "content_hash": "h"}
    publish(scope, feed, {"product": staged("product", row)}, run_id="r1")
    flagged = staged("product", row | {"flags": ["title_short"], "score": 90.0, "ingested_at": at(3)})
    assert publish(scope, feed, {"product": flagged}, run_id="r2").written == 1


def test_new_content_is_written_although_the_vendor_moved_no_time(scope: Scope, feed: Feed, staged: Rows) -> None:
    publish(scope, feed, {"product": staged("product", {"source_id": "100", "title": "Old"})}, run_id="r1")
    remapped = staged("product", {"source_id": "100", "title": "New", "ingested_at": at(2)})
    assert publish(scope, feed, {"product": remapped}, run_id="r2").written == 1


def test_a_tombstone_keeps_when_and_goes_when_the_row_comes_back(scope: Scope, feed: Feed, staged: Rows) -> None:
    publish(scope, feed, shop_of(staged), run_id="r1")
    gone = {"source_id": "1001", "root_id": "100", "source_updated_at": None, "ingested_at": at(4), "deleted": True}
    assert publish(scope, feed, {"variant": staged("variant", gone)}, run_id="r2").tombstoned == 1
    assert count_live(scope, feed.key, "variant") == 5
    assert count_live(scope, feed.key, "product") == 3
    found = product(scope)
    assert found is not None
    assert found["variants"]["1001"]["deleted"] is True
    assert found["variants"]["1001"]["deleted_at"] == at(4)
    back = {
        "source_id": "1001",
        "product_id": "100",
        "price": Decimal(1),
        "source_updated_at": at(5),
        "ingested_at": at(5),
    }
    publish(scope, feed, {"variant": staged("variant", back)}, run_id="r3")
    found = product(scope)
    assert found is not None
    assert found["variants"]["1001"]["deleted"] is False


_VERSION = st.fixed_dictionaries(
    {
        "source_id": st.sampled_from(["1", "2", "3.a$b"]),
        "entity": st.sampled_from(["product", "variant", "image"]),
        "moved": st.one_of(st.none(), st.integers(0, 6)),
        "deleted": st.booleans(),
        "content_hash": st.sampled_from(["a", "b", "c"]),
    }
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=st.lists(_VERSION, min_size=1, max_size=5), data=st.data())
def test_whatever_order_and_however_often_versions_come_the_same_state_stays(
    scope: Scope, feed: Feed, staged: Rows, versions: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Versions of a row differ in (moved at the vendor, ingested at); the vendor times either every version or none."""
    timed = data.draw(st.booleans())
    batches = []
    for number, one in enumerate(versions):
        # A time of the vendor's belongs to one content: the same time means the same version of the row.
        moved = (one["moved"] or 0) if timed else None
        content = f"{one['source_id']}{moved}" if timed else f"{one['content_hash']}{number}"
        row = {"source_id": one["source_id"], "ingested_at": at(100 + number), "content_hash": content}
        row |= {"source_updated_at": None if moved is None else at(moved), "deleted": one["deleted"] and not timed}
        row |= {} if one["entity"] == "product" else {"product_id": "7"}
        batches.append({one["entity"]: staged(one["entity"], row)})
    digests = set()
    for order in (batches, data.draw(st.permutations(batches)) + data.draw(st.permutations(batches))):
        documents(scope)["products"].delete_many({})
        for number, batch in enumerate(order):
            publish(scope, feed, batch, run_id=f"r{number}")
        digests.add(digest(scope, "north"))
    assert len(digests) == 1


def test_of_writers_at_once_the_newest_version_stays(scope: Scope, feed: Feed, staged: Rows) -> None:
    def write(number: int) -> None:
        row = {"title": f"v{number}", "source_updated_at": at(number), "ingested_at": at(number)}
        rows = staged("product", *(row | {"source_id": str(100 + one)} for one in range(40)))
        publish(scope, feed, {"product": rows}, run_id=f"r{number}")

    for first in (4, 8):  # onto an empty catalogue, then onto documents that are there
        with ThreadPoolExecutor(4) as writers:
            list(writers.map(write, [first - 2, first, first - 3, first - 1]))
        assert {one["product"]["title"] for one in documents(scope)["products"].find()} == {f"v{first}"}


def test_a_quarantined_row_leaves_the_last_good_version_marked_stale_until_a_good_one_comes(
    scope: Scope, feed: Feed, staged: Rows
) -> None:
    publish(scope, feed, shop_of(staged), run_id="r1")
    assert mark_stale(scope, feed, "variant", {"1001": ["price_not_positive"], "absent": ["x"]}) == 1
    assert mark_stale(scope, feed, "variant", {"1001": ["price_not_positive"]}) == 0
    assert mark_stale(scope, feed, "product", {"100": ["missing_title"]}) == 1
    found = product(scope)
    assert found is not None
    assert (found["variants"]["1001"]["stale"], found["variants"]["1001"]["stale_reasons"]) == (
        True,
        ["price_not_positive"],
    )
    assert found["variants"]["1002"]["stale"] is False
    assert publish(scope, feed, shop_of(staged), run_id="r2").written == 1, "the same good row makes it fresh again"
    found = product(scope)
    assert found is not None
    assert (found["variants"]["1001"]["stale"], found["product"]["stale"]) == (False, False)


def test_a_variant_that_is_a_record_of_its_own_is_found_in_the_document_of_its_product(
    scope: Scope, feed: Feed, staged: Rows
) -> None:
    """As dropped files have it: its root is itself, and when it is gone nothing says whose it was."""
    own = {"product_id": "100", "price": Decimal(5)}
    variants = [own | {"source_id": one, "root_id": one} for one in ("1", "2", "3")]
    publish(scope, feed, shop_of(staged, 1) | {"variant": staged("variant", *variants)}, run_id="r1")

    assert mark_stale(scope, feed, "variant", {"1": ["price_not_positive"]}) == 1
    gone = {"source_id": "2", "root_id": "2", "deleted": True, "source_updated_at": None, "ingested_at": at(2)}
    for run_id in ("r2", "r3"):  # again, nothing changes
        publish(scope, feed, {"variant": staged("variant", gone)}, run_id=run_id)
    bury(scope, feed, "variant", {"3": "3"})
    [found] = documents(scope)["products"].find()
    told = {one: (part["deleted"], part.get("stale", False)) for one, part in found["variants"].items()}
    assert told == {"1": (False, True), "2": (True, False), "3": (True, False)}

    give_way(scope, feed, "variant", {"1": "1"})
    assert publish(scope, feed, {"variant": staged("variant", variants[0])}, run_id="r4").written == 1


def test_a_variant_with_the_id_of_its_product_is_found_there(scope: Scope, feed: Feed, staged: Rows) -> None:
    one = {"source_id": "100", "product_id": "100", "price": Decimal(5)}
    publish(
        scope,
        feed,
        {"product": staged("product", {"source_id": "100"}), "variant": staged("variant", one)},
        run_id="r1",
    )
    gone = {"source_id": "100", "root_id": "100", "deleted": True, "source_updated_at": None, "ingested_at": at(2)}
    publish(scope, feed, {"variant": staged("variant", gone)}, run_id="r2")
    [found] = documents(scope)["products"].find()
    assert (found["product"]["deleted"], found["variants"]["100"]["deleted"]) == (False, True)


def test_a_run_can_be_undone_back_to_equal_digests(scope: Scope, feed: Feed, staged: Rows) -> None:
    publish(scope, feed, shop_of(staged), run_id="r1")
    before, counted = digest(scope, "north"), version(scope, "north")
    later = {"source_updated_at": at(2), "ingested_at": at(2)}
    changes = {
        "product": staged(
            "product", {"source_id": "100", "title": "New", **later}, {"source_id": "999", "title": "Added", **later}
        ),
        "variant": staged(
            "variant",
            {"source_id": "1001", "product_id": "100", "price": Decimal(1), **later},
            {"source_id": "1009", "product_id": "100", "price": Decimal(2), **later},
            {"source_id": "1011", "root_id": "101", "deleted": True, **later},
        ),
    }
    publish(scope, feed, changes, run_id="r2")
    publish(scope, feed, changes, run_id="r2")
    assert digest(scope, "north") != before
    report = revert(scope, "r2")
    assert (report.restored, report.removed) == (3, 2)
    assert digest(scope, "north") == before
    assert version(scope, "north") > counted + 2
    assert revert(scope, "r2").restored == 0


def test_a_run_that_wrote_a_row_twice_is_undone_to_what_was_before_the_run(
    scope: Scope, feed: Feed, staged: Rows
) -> None:
    for number, run_id in ((1, "r1"), (2, "r2"), (3, "r2")):
        row = {"source_id": "100", "title": f"v{number}", "source_updated_at": at(number), "ingested_at": at(number)}
        publish(scope, feed, {"product": staged("product", row)}, run_id=run_id)
    revert(scope, "r2")
    found = product(scope)
    assert found is not None
    assert found["product"]["title"] == "v1"


def test_undoing_a_run_leaves_what_later_runs_wrote(scope: Scope, feed: Feed, staged: Rows) -> None:
    for number in (1, 2, 3):
        row = {"source_id": "100", "title": f"v{number}", "source_updated_at": at(number), "ingested_at": at(number)}
        publish(scope, feed, {"product": staged("product", row)}, run_id=f"r{number}")
    assert revert(scope, "r2").restored == 0
    found = product(scope)
    assert found is not None
    assert found["product"]["title"] == "v3"


def test_rows_of_another_tenant_or_feed_are_refused(scope: Scope, feed: Feed, staged: Rows) -> None:
    for foreign in ({"tenant": "south"}, {"feed": "other"}):
        with pytest.raises(ResidencyBreach):
            publish(scope, feed, {"product": staged("product", {"source_id": "1"} | foreign)}, run_id="r1")
    with pytest.raises(Misconfigured):
        publish(replace(scope, tenant="south"), feed, {}, run_id="r1")
    assert documents(scope)["products"].find_one() is None


def test_the_catalogue_never_takes_entities_about_people(scope: Scope, feed: Feed, staged: Rows) -> None:
    for name in ("customer", "order", "order_line"):
        with pytest.raises(Misconfigured, match=name):
            publish(scope, feed, {name: staged(name, {"source_id": "1"})}, run_id="r1")


def test_stock_places_and_shops_have_documents_of_their_own(scope: Scope, feed: Feed, staged: Rows) -> None:
    rows = {
        "inventory_level": staged(
            "inventory_level", {"source_id": "5", "inventory_item_id": "9", "location_id": "2", "available": 3}
        ),
        "location": staged("location", {"source_id": "2", "name": "Store"}),
        "shop": staged("shop", {"source_id": "1", "currency": "EUR", "timezone": "Europe/Berlin"}),
    }
    assert publish(scope, feed, rows, run_id="r1").written == 3
    assert publish(scope, feed, rows, run_id="r2").written == 0
    level = documents(scope)["inventory_levels"].find_one({"_id": "north/shop/5"})
    assert level is not None
    assert level["inventory_level"]["available"] == 3


def test_rows_come_as_readers_too_and_in_any_order(scope: Scope, feed: Feed, staged: Rows) -> None:
    tables = shop_of(staged, 5)
    publish(scope, feed, tables, run_id="r1")
    before = digest(scope, "north")
    documents(scope)["products"].delete_many({})
    shuffled = {
        name: table.take(pa.array(reversed(range(table.num_rows)))).to_reader() for name, table in tables.items()
    }
    publish(scope, feed, shuffled, run_id="r2")
    assert digest(scope, "north") == before


def test_every_declared_index_is_created_and_creating_again_is_harmless(scope: Scope) -> None:
    ensure_indexes(scope)
    ensure_indexes(scope)
    for collection, indexes in INDEXES.items():
        kept = [list(one["key"].items()) for one in documents(scope)[collection].list_indexes()]
        for index in indexes:
            assert list(index.document["key"].items()) in kept

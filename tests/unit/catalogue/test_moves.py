"""Laws of variants and images that move to another product: a row lives in one document, that which its newest row names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from varai.catalogue import (
    bury,
    count_live,
    digest,
    ensure_indexes,
    give_way,
    list_holdings,
    mark_stale,
    publish,
    revert,
    sync,
)
from varai.catalogue.collections import plain_name
from varai.kernel import Feed, Scope
from varai.stores import documents

Rows = Callable[..., pa.Table]
Home = tuple[str, str]
"""(entity, source_id) of a row."""


def at(hours: float) -> datetime:
    return datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=hours)


def homes(scope: Scope, feed: str = "shop") -> dict[Home, list[str]]:
    """Every row of the feed's maps that lives, with the products in whose documents it does."""
    found: dict[Home, list[str]] = {}
    for document in documents(scope)["products"].find({"feed": feed}):
        for entity, holder in (("variant", "variants"), ("image", "images")):
            for name, part in document.get(holder, {}).items():
                if not part["deleted"]:
                    found.setdefault((entity, plain_name(name)), []).append(document["source_id"])
    return found


def row(source_id: str, product: str, hours: float, *, own: bool = False) -> dict[str, Any]:
    """A row as it was at an hour; `own`: it is a record of its own, which its product did not carry."""
    return {
        "source_id": source_id,
        "product_id": product,
        "root_id": source_id if own else product,
        "source_updated_at": at(hours),
        "ingested_at": at(hours),
    }


def gone(source_id: str, root: str, hours: float) -> dict[str, Any]:
    return {
        "source_id": source_id,
        "root_id": root,
        "deleted": True,
        "source_updated_at": None,
        "ingested_at": at(hours),
    }


class Given(NamedTuple):
    """A row that is published: who, of which product (None: it is gone), as of when."""

    entity: str
    source_id: str
    product: str | None
    hours: int


class Model:
    """What must be, in a plain dict: the newest version of each row."""

    def __init__(self) -> None:
        self.newest: dict[Home, tuple[int, str | None]] = {}

    def take(self, rows: list[Given]) -> None:
        for one in rows:
            key = (one.entity, one.source_id)
            if key not in self.newest or self.newest[key][0] < one.hours:
                self.newest[key] = (one.hours, one.product)

    @property
    def homes(self) -> dict[Home, list[str]]:
        return {key: [product] for key, (_, product) in self.newest.items() if product is not None}


_RUN = st.lists(
    st.tuples(
        st.sampled_from(["variant", "image"]),
        st.sampled_from(["1", "2", "3.a$b"]),
        st.sampled_from(["1", "7", "8", None]),
        st.integers(0, 30),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda one: one[:2],
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_runs=st.lists(_RUN, min_size=1, max_size=6), data=st.data())
def test_a_row_lives_where_its_newest_row_says_in_whatever_order_they_come(
    scope: Scope,
    feed: Feed,
    staged: Rows,
    given_runs: list[list[tuple[str, str, str | None, int]]],
    data: st.DataObject,
) -> None:
    documents(scope)["products"].delete_many({})
    # An hour belongs to one version of a row: of two versions one is the newer.
    runs = [
        [Given(entity, name, product, 10 * hours + number) for entity, name, product, hours in rows]
        for number, rows in enumerate(given_runs)
    ]
    own, model = data.draw(st.booleans()), Model()
    for number, rows in enumerate(data.draw(st.permutations(runs))):
        before, was = digest(scope, "north"), homes(scope)
        tables = _tables(staged, rows, own=own)
        publish(scope, feed, tables, run_id=f"r{number}")
        model.take(rows)
        assert homes(scope) == model.homes
        after = digest(scope, "north")
        assert publish(scope, feed, tables, run_id=f"r{number}").written == 0
        assert publish(scope, feed, tables, run_id="again").written == 0, "the same rows in another run"
        if data.draw(st.booleans()):
            revert(scope, f"r{number}")
            assert (homes(scope), digest(scope, "north")) == (was, before)
            publish(scope, feed, tables, run_id=f"r{number}")
        assert digest(scope, "north") == after
    assert sum(count_live(scope, feed.key, entity) for entity in ("variant", "image")) == len(model.homes)
    for number in data.draw(st.permutations(range(len(runs)))):
        revert(scope, f"r{number}")
        assert all(len(products) == 1 for products in homes(scope).values()), "whichever runs are undone"


def _tables(staged: Rows, rows: list[Given], *, own: bool) -> dict[str, pa.Table]:
    """A tombstone of a row that a product carried names a product as its root, if not always the right one."""
    made: dict[str, list[dict[str, Any]]] = {}
    for one in rows:
        version = (
            gone(one.source_id, one.source_id if own else "7", one.hours)
            if one.product is None
            else row(one.source_id, one.product, one.hours, own=own)
        )
        # Times of tombstones are ours, so here those of rows are too.
        made.setdefault(one.entity, []).append(version | {"source_updated_at": None})
    return {entity: staged(entity, *versions) for entity, versions in made.items()}


def move(scope: Scope, feed: Feed, staged: Rows) -> None:
    """Variant 1 is published in product 7 by run r1, beside another one, and in product 8 by run r2."""
    ensure_indexes(scope)
    publish(scope, feed, {"variant": staged("variant", row("1", "7", 1), row("2", "7", 1))}, run_id="r1")
    assert publish(scope, feed, {"variant": staged("variant", row("1", "8", 2))}, run_id="r2").written == 2


def test_a_row_that_moves_leaves_a_tombstone_and_nothing_else_changes(scope: Scope, feed: Feed, staged: Rows) -> None:
    other = feed.model_copy(update={"name": "other"})
    rows = staged("variant", row("1", "7", 1) | {"feed": "other"})
    publish(scope, other, {"variant": rows}, run_id="r0")
    move(scope, feed, staged)
    assert homes(scope) == {("variant", "1"): ["8"], ("variant", "2"): ["7"]}
    assert homes(scope, "other") == {("variant", "1"): ["7"]}
    left = documents(scope)["products"].find_one({"_id": "north/shop/7"})
    assert left is not None
    assert (left["variants"]["1"]["deleted_at"], left["variants"]["2"]["run_id"]) == (at(2), "r1")


def test_undoing_a_move_leaves_the_row_where_a_later_run_has_written_it(scope: Scope, feed: Feed, staged: Rows) -> None:
    move(scope, feed, staged)
    publish(scope, feed, {"variant": staged("variant", row("1", "8", 3))}, run_id="r3")
    report = revert(scope, "r2")
    assert (report.restored, report.removed, homes(scope)["variant", "1"]) == (0, 0, ["8"])
    revert(scope, "r3")
    assert homes(scope)["variant", "1"] == ["8"]


def test_a_run_that_dies_between_two_documents_is_made_good_by_the_next(
    scope: Scope, feed: Feed, staged: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*given: Any) -> None:
        raise KeyboardInterrupt

    moved = {"variant": staged("variant", row("1", "8", 2))}
    publish(scope, feed, {"variant": staged("variant", row("1", "7", 1))}, run_id="r1")
    before = digest(scope, "north")
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(sync, "_write", die)
        publish(scope, feed, moved, run_id="r2")
    assert homes(scope) == {}
    publish(scope, feed, moved, run_id="r2")
    assert homes(scope) == {("variant", "1"): ["8"]}
    revert(scope, "r2")
    assert digest(scope, "north") == before


def test_a_quarantined_move_marks_the_row_stale_where_it_lives(scope: Scope, feed: Feed, staged: Rows) -> None:
    move(scope, feed, staged)
    assert mark_stale(scope, feed, "variant", {"1": ["price_not_positive"]}) == 1
    kept = documents(scope)["products"].find_one({"_id": "north/shop/8"})
    assert kept is not None
    assert kept["variants"]["1"]["stale"] is True


def test_documents_of_earlier_releases_are_had_to_list_what_they_hold(scope: Scope, feed: Feed, staged: Rows) -> None:
    products = {"product": staged("product", {"source_id": "9"})}
    publish(scope, feed, products, run_id="r0")
    publish(scope, feed, {"variant": staged("variant", row("1", "7", 1), row("2", "8", 1))}, run_id="r1")
    documents(scope)["products"].update_many({}, {"$unset": {"held": ""}})
    assert list_holdings(scope, dry_run=True) == list_holdings(scope) == 2
    assert list_holdings(scope) == 0
    publish(scope, feed, {"variant": staged("variant", row("1", "8", 2))}, run_id="r2")
    assert homes(scope) == {("variant", "1"): ["8"], ("variant", "2"): ["8"]}


def test_a_document_of_an_earlier_release_lists_all_it_holds_once_it_is_written(
    scope: Scope, feed: Feed, staged: Rows
) -> None:
    publish(scope, feed, {"variant": staged("variant", row("1", "7", 1), row("2", "7", 1))}, run_id="r1")
    documents(scope)["products"].update_many({}, {"$unset": {"held": ""}})
    publish(scope, feed, {"variant": staged("variant", row("3", "7", 2))}, run_id="r2")
    publish(scope, feed, {"variant": staged("variant", row("1", "8", 3))}, run_id="r3")
    assert homes(scope)["variant", "1"] == ["8"]


@pytest.mark.parametrize("damage", [{"deleted": True}, {"deleted": True, "ingested_at": None}, "text"])
def test_a_part_that_somebody_damaged_stops_no_row_from_living_elsewhere(
    scope: Scope, feed: Feed, staged: Rows, damage: Any
) -> None:
    publish(scope, feed, {"variant": staged("variant", row("1", "7", 1))}, run_id="r1")
    documents(scope)["products"].update_one({"source_id": "7"}, {"$set": {"variants.1": damage}})
    publish(scope, feed, {"variant": staged("variant", row("1", "8", 2))}, run_id="r2")
    kept = documents(scope)["products"].find_one({"source_id": "8"})
    assert kept is not None
    assert kept["variants"]["1"]["deleted"] is False
    publish(scope, feed, {"variant": staged("variant", row("1", "7", 3))}, run_id="r3")
    assert homes(scope) == {("variant", "1"): ["7"]}


def test_a_row_that_lives_twice_is_mended(scope: Scope, feed: Feed, staged: Rows) -> None:
    """As earlier releases left it, or whoever wrote into the documents."""
    publish(scope, feed, {"variant": staged("variant", row("1", "7", 1))}, run_id="r1")
    kept = documents(scope)["products"].find_one({})
    assert kept is not None
    planted = kept | {"_id": "north/shop/8", "source_id": "8", "held": []}
    documents(scope)["products"].insert_one(planted)
    for _ in range(2):
        give_way(scope, feed, "variant", {"1": "7"})
        publish(scope, feed, {"variant": staged("variant", row("1", "7", 1))}, run_id="r2")
        assert homes(scope) == {("variant", "1"): ["7"]}
    documents(scope)["products"].delete_one({"_id": "north/shop/8"})
    documents(scope)["products"].insert_one(planted)
    bury(scope, feed, "variant", {"1": "7"})
    assert homes(scope) == {}

"""Lines that a mapping of yesterday could not map: each is listed and shown, and none is left behind when the mapping is mended."""

from __future__ import annotations

import pytest

from tests.e2e.digests import hashes_of, known, warehoused
from tests.e2e.stack import Stack
from varai import landing
from varai.canonical.mapping import Mapping
from varai.gate import quarantine
from varai.kernel import Feed
from varai.river.remap import planned, remap_feed
from varai.sources import ShopFacts
from varai.sources.shopify import Shopify
from varai.stores import documents

ODD = "root_id LIKE '%1'"


class Yesterday:
    """Puts a mapping in force that does not find the identity of some rows, and then that of today again."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch, self._today = patch, Shopify.mapping

    def begins(self, stream: str, *entities: str, odd: str = ODD) -> None:
        """From here on rows of these entities of which `odd` is true are not found."""
        today = self._today

        def mapping(shopify: Shopify, name: str, feed: Feed, facts: ShopFacts) -> Mapping:
            found = today(shopify, name, feed, facts)
            if name != stream:
                return found
            lost = f"CASE WHEN {odd} THEN NULL ELSE root_id END AS root_id"
            selects = {
                entity: f"SELECT * REPLACE ({lost}) FROM ({select})"
                if entity in (entities or found.entities)
                else select
                for entity, select in found.entities.items()
            }
            return Mapping.of(found.columns, selects, found.primary, found.setup)

        self._patch.setattr(Shopify, "mapping", mapping)

    def ends(self) -> None:
        """The mapping is mended."""
        self._patch.setattr(Shopify, "mapping", self._today)


@pytest.fixture
def yesterday(monkeypatch: pytest.MonkeyPatch) -> Yesterday:
    """A mapping that can be broken and mended."""
    return Yesterday(monkeypatch)


KINDS = pytest.mark.parametrize(("stream", "kind"), [("products", "Product"), ("orders", "Order")])


@KINDS
def test_every_unmappable_line_is_listed_and_shown_until_it_is_mapped(
    clean_stack: Stack, yesterday: Yesterday, stream: str, kind: str
) -> None:
    yesterday.begins(stream)
    stack = clean_stack
    assert stack.run(stream).failures == {}
    rows = quarantine.list_rows(stack.scope, stack.spec.name, "unmappable")
    records = [row for row in rows if not row.reasons[0].startswith("child_")]
    assert len(records) == stack.slices()[stream]["unmappable"] == len(_odd(stack, kind)) > 0
    places = {f"{row.batch_id}/{quarantine.show(stack.scope, row.key)['position']}" for row in rows}
    assert {row.key for row in rows} == {f"{stack.spec.name}/unmappable/{place}" for place in places}

    yesterday.ends()
    assert len(remap_feed(stack.settings, "eu", stack.key, holder="test")) == 1
    assert quarantine.list_rows(stack.scope, stack.spec.name) == []
    assert known(stack, stream, kind.lower()) == warehoused(stack, kind.lower()) == stack.ids(kind)


@KINDS
def test_lines_of_a_batch_that_holds_no_current_row_are_mapped_again(
    clean_stack: Stack, yesterday: Yesterday, stream: str, kind: str
) -> None:
    yesterday.begins(stream)
    stack, odd = clean_stack, _odd(clean_stack, kind)
    assert stack.run(stream).failures == {}
    stack.touch([gid for gid in stack.bodies(kind) if _number(gid) not in odd], note="new", tags=["new"])
    stack.touch([gid for gid in stack.bodies(kind) if _number(gid) in odd][:1], title="Newer", tags=["newer"])
    assert stack.run(stream).failures == {}
    first, second = (batch.batch_id for batch in landing.batches(stack.scope, stack.key, stream))
    assert {row["batch_id"] for row in hashes_of(stack, stream)} == {second}
    assert {row.batch_id for row in quarantine.list_rows(stack.scope, stack.spec.name)} == {first, second}

    yesterday.ends()
    foreseen = planned(stack.settings, "eu", stack.key)
    done = remap_feed(stack.settings, "eu", stack.key, holder="test")
    assert foreseen == [f"{stack.key}/{stream}: batch {ref.batch_id}, {ref.records} records" for ref in done]
    assert [ref.batch_id for ref in done] == [first, second]
    assert quarantine.list_rows(stack.scope, stack.spec.name) == []
    assert known(stack, stream, kind.lower()) == warehoused(stack, kind.lower()) == stack.ids(kind)
    carried = {row["source_id"]: row["batch_id"] for row in hashes_of(stack, stream) if row["entity"] == kind.lower()}
    assert [carried[number] for number in sorted(odd)] == [second, *[first] * (len(odd) - 1)]


def test_a_newer_version_that_could_not_be_mapped_takes_the_place_of_the_older(
    clean_stack: Stack, yesterday: Yesterday
) -> None:
    yesterday.begins("products", "product", odd="title = 'Newer'")
    stack, product = clean_stack, next(iter(clean_stack.bodies("Product")))
    assert stack.run("products").failures == {}
    stack.touch([product], title="Newer")
    assert stack.run("products").failures == {}
    yesterday.ends()
    remap_feed(stack.settings, "eu", stack.key, holder="test")
    held = documents(stack.scope)["products"].find_one({"_id": f"{stack.key}/{_number(product)}"})
    assert held is not None and held["product"]["title"] == "Newer"
    assert quarantine.list_rows(stack.scope, stack.spec.name) == []


def test_a_dry_run_leaves_out_a_stream_with_an_unfinished_slice_as_the_run_does(clean_stack: Stack) -> None:
    stack = clean_stack
    assert stack.run("locations", "products").failures == {}
    stack.fault(kind="wrong_version", times=-1)
    assert stack.run("products").failures != {}
    stack.heal()
    foreseen = planned(stack.settings, "eu", stack.key)
    assert len(foreseen) == len(remap_feed(stack.settings, "eu", stack.key, holder="test")) == 1
    assert foreseen[0].startswith(f"{stack.key}/locations")


def _odd(stack: Stack, kind: str) -> set[str]:
    return {number for number in stack.ids(kind) if number.endswith("1")}


def _number(gid: str) -> str:
    return gid.rsplit("/", 1)[1]

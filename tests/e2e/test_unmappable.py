"""Lines that a mapping of yesterday could not map: each is listed and shown, and none is left behind when the mapping is mended."""

from __future__ import annotations

import pytest

from tests.e2e.digests import known
from tests.e2e.stack import Stack
from varai.canonical.mapping import Mapping
from varai.gate import quarantine
from varai.kernel import Feed
from varai.river.remap import remap_feed
from varai.sources import ShopFacts
from varai.sources.shopify import Shopify

_NAMELESS = {"products": ("product", "title LIKE 'Odd%'"), "orders": ("order", "source_id LIKE '%1'")}
"""Stream -> entity and rows whose id the mapping of yesterday did not find."""


class Yesterday:
    """Puts the mapping of yesterday in force, and that of today."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch, self._today = patch, Shopify.mapping

    def begins(self) -> None:
        """From here on some rows are not found."""
        today = self._today

        def mapping(shopify: Shopify, stream: str, feed: Feed, facts: ShopFacts) -> Mapping:
            found = today(shopify, stream, feed, facts)
            if stream not in _NAMELESS:
                return found
            entity, odd = _NAMELESS[stream]
            select = f"SELECT * REPLACE (CASE WHEN {odd} THEN NULL ELSE source_id END AS source_id) FROM ({found.entities[entity]})"
            return Mapping.of(found.columns, {**found.entities, entity: select}, found.primary, found.setup)

        self._patch.setattr(Shopify, "mapping", mapping)

    def ends(self) -> None:
        """The mapping is mended."""
        self._patch.setattr(Shopify, "mapping", self._today)


@pytest.fixture
def yesterday(monkeypatch: pytest.MonkeyPatch) -> Yesterday:
    """The mapping of yesterday, in force."""
    made = Yesterday(monkeypatch)
    made.begins()
    return made


@pytest.mark.parametrize(("stream", "kind"), [("products", "Product"), ("orders", "Order")])
def test_every_unmappable_line_is_listed_shown_and_freed_by_a_mended_mapping(
    clean_stack: Stack, yesterday: Yesterday, stream: str, kind: str
) -> None:
    stack = clean_stack
    odd = list(stack.bodies("Product"))[:3]
    stack.touch(odd, title="Odd one")
    assert stack.run(stream).failures == {}
    slice_ = stack.slices()[stream]
    rows = quarantine.list_rows(stack.scope, stack.spec.name, "unmappable")
    assert len(rows) == slice_["unmappable"] >= 2
    places = {f"{row.batch_id}/{quarantine.show(stack.scope, row.key)['position']}" for row in rows}
    assert {row.key for row in rows} == {f"{stack.spec.name}/unmappable/{place}" for place in places}
    assert not any(gid.rsplit("/", 1)[1] in row.key for row in rows for gid in stack.bodies(kind))

    yesterday.ends()
    assert len(remap_feed(stack.settings, "eu", stack.key, holder="test")) == 1
    assert quarantine.list_rows(stack.scope, stack.spec.name) == []
    assert known(stack, stream, kind.lower()) == stack.ids(kind)

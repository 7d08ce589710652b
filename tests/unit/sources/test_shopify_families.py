"""Products of 2,048 variants, the most that Shopify allows, come whole by either way and one at a time."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.sources.conftest import ALL_AS_WINDOW, WHOLE, MakeShop, put_product
from varai.kernel import Unbalanced, Window
from varai.sources import Page
from varai.sources.shopify import reading
from varai.sources.shopify.lines import Complete

MOST = 2048


@pytest.mark.parametrize("window", [WHOLE, ALL_AS_WINDOW], ids=["bulk", "pages"])
def test_the_largest_products_come_whole_and_a_page_holds_few(
    make_shop: MakeShop, monkeypatch: pytest.MonkeyPatch, window: Window
) -> None:
    monkeypatch.setattr(reading, "LARGEST_BODY", 1 << 20)
    shop = make_shop()
    with shop.writer() as writer:
        for number in (10, 20, 30):
            put_product(writer, number, variants=MOST)
    pages: list[Page] = []
    landed = shop.land("products", window, between=pages.append)
    assert len(landed.ids("variants", "ProductVariant")) == 3 * MOST
    assert landed.records == landed.vendor_count == 3
    if window is WHOLE:
        assert len(landed.lines) == 3 * (1 + MOST + 1)
        assert max(len(page.lines) for page in pages) < 2 << 20
    else:
        assert [page.records for page in pages] == [1, 1, 1]


def variants(*numbers: int, more: bool = False) -> dict[str, object]:
    return {"nodes": [{"id": number} for number in numbers], "pageInfo": {"hasNextPage": more, "endCursor": "c"}}


@pytest.mark.parametrize(
    ("counted", "fits"),
    [
        ({"count": 3, "precision": "EXACT"}, True),
        ({"count": 4, "precision": "EXACT"}, False),
        ({"count": 2, "precision": "EXACT"}, False),
        ({"count": 4, "precision": "AT_LEAST"}, True),
        (None, True),
    ],
)
def test_what_is_drained_is_held_to_the_vendors_count(counted: dict[str, object] | None, fits: bool) -> None:
    product = {"id": "gid://shopify/Product/1", "variantsCount": counted, "variants": variants(1, more=True)}
    whole = Complete(lambda name, owner, cursor: [msgspec.Raw(b'{"id":2}'), msgspec.Raw(b'{"id":3}')])
    node = msgspec.Raw(msgspec.json.encode(product))
    if fits:
        assert len(msgspec.json.decode(whole(node))["variants"]["nodes"]) == 3
    else:
        with pytest.raises(
            Unbalanced, match=rf"counts {counted and counted['count']} variants of a record, of which 3"
        ):
            whole(node)

"""What a product's brand and category are called: the product holds their numbers. Read when the first product is."""

from __future__ import annotations

import msgspec

from varai.sources.bigcommerce.client import Client
from varai.sources.bigcommerce.lists import BRANDS, CATEGORIES, Kind, Listing
from varai.sources.decoding import told
from varai.sources.proof import Proof


class _Named(msgspec.Struct):
    name: str | None = None


class _Product(msgspec.Struct):
    brand_id: int | None = None
    categories: list[int] | None = None


class Labels:
    """The labels of a store, as they are when this is made."""

    def __init__(self, client: Client) -> None:
        self._brands, self._categories = _names(client, BRANDS), _names(client, CATEGORIES)

    def of(self, node: msgspec.Raw) -> dict[str, str]:
        """What is added to a product's line: the names of its brand and of its first category."""
        product = told(node, _Product)
        first = next(iter(product.categories or ()), 0)
        return {
            "__brand": self._brands.get(product.brand_id or 0, ""),
            "__category": self._categories.get(first, ""),
        }


def _names(client: Client, kind: Kind) -> dict[int, str]:
    pages = Proof(Listing(client, kind)).pages()
    return {record.id: told(record.node, _Named).name or "" for records in pages for record in records}

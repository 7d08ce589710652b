"""Products as families: a product with choices, and its choices, which Magento keeps as products of their own that name no parent.

In: a window, or all. Out: pages of lines, choices with `__parentId`. Rows of a family that come without a choice say that it is gone, so a
family always comes whole: a choice that changed brings its parent and its siblings. Where a choice has several parents the first has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa

from varai.kernel import Malformed, Window
from varai.sources.contract import Listing, Page
from varai.sources.decoding import decode
from varai.sources.magento.client import Client
from varai.sources.magento.labels import Labels
from varai.sources.magento.lines import line
from varai.sources.magento.lists import PRODUCTS, Numbered
from varai.sources.magento.search import Filter, among, changed_in
from varai.sources.proof import Proof, Record

WITH_CHOICES: Final = (Filter("type_id", "eq", "configurable"),)
OTHERS: Final = (Filter("type_id", "neq", "configurable"),)
_LINKS: Final = "id,type_id,extension_attributes[configurable_product_links]"
_FEW: Final = 50


class _Extension(msgspec.Struct):
    # PHP writes a list with gaps as an object, and one of nothing in the place of an object.
    configurable_product_links: list[int | str | float | None] | dict[str, int | str | float | None] | None = None


class _Product(msgspec.Struct):
    type_id: Any = None
    extension_attributes: _Extension | list[Any] | None = None

    @property
    def links(self) -> list[int] | None:
        """Ids of its choices; None: it does not say. Raises ValueError for what is no id."""
        extension = self.extension_attributes
        links = extension.configurable_product_links if isinstance(extension, _Extension) else None
        if links is None:
            return None
        return [int(one) for one in (links.values() if isinstance(links, dict) else links) if one is not None]


class Owners:
    """Whose choice a product is."""

    def __init__(self) -> None:
        self._of: dict[int, int] = {}
        self._choices: dict[int, list[int]] = {}
        self._told = False

    @classmethod
    def read(cls, client: Client, met: Callable[[list[int]], None] = lambda ids: None) -> Owners:
        """As the shop tells it now; `met` is given the ids of the products with choices, page by page."""
        owners = cls()
        for records in Proof(Numbered(client, PRODUCTS, WITH_CHOICES, _LINKS)).pages():
            owners.note(records)
            met([record.id for record in records])
        return owners

    def note(self, records: Sequence[Record]) -> list[int]:
        """Learn, or learn anew, which choices these products have; returns those that they had before and have no more.

        Raises Malformed where no product says it, or one in a way that cannot be read: choices would look like products of their own.
        """
        lost = []
        for record in records:
            kind, links = _kind_and_links(record)
            self._told |= links is not None or (isinstance(kind, str) and kind != "configurable")
            mine = [choice for choice in links or () if self._of.setdefault(choice, record.id) == record.id]
            lost += self._drop(record.id, set(mine))
            self._choices[record.id] = mine
        if records and not self._told:
            raise Malformed(
                "No product of the shop says which choices it has (configurable_product_links).",
                "Give the integration the resource Catalog, and enable the module Magento_ConfigurableProduct.",
            )
        return lost

    def forget(self, owner: int) -> list[int]:
        """Learn that a product is no more; returns the choices it had."""
        return self._drop(owner, set())

    def get(self, choice: int) -> int | None:
        """Whose choice a product is; None: nobody's."""
        return self._of.get(choice)

    def choices(self, owners: Iterable[int]) -> list[int]:
        """The choices of products."""
        return [choice for owner in owners for choice in self._choices.get(owner, ())]

    def _drop(self, owner: int, kept: set[int]) -> list[int]:
        lost = [choice for choice in self._choices.pop(owner, ()) if choice not in kept]
        for choice in lost:
            del self._of[choice]
        return lost


class Families:
    """One read of the products; `vendor_count` is final when the pages are exhausted."""

    def __init__(self, client: Client, window: Window) -> None:
        self._client, self._window = client, window
        self._labels: Labels | None = None
        self.vendor_count = 0

    def whole(self) -> Iterator[Page]:
        """All families. Not cut off by time: a part that changed a moment ago would be missing from its family."""
        owners = Owners()
        parents = Proof(Numbered(self._client, PRODUCTS, WITH_CHOICES))
        for records in parents.pages():
            owners.note(records)
            yield self._page(records, Owners())
        self.vendor_count = parents.vendor_count or 0
        yield from self._proven(OTHERS, owners)

    def changed(self) -> Iterator[Page]:
        """The products changed in the window that are no family's, and whole the families of which a part was."""
        proof = Proof(Numbered(self._client, PRODUCTS, changed_in(self._window)))
        if not proof.begin():
            return
        owners, touched, parts = Owners.read(self._client), set[int](), 0
        for records in proof.pages():
            alone = []
            for record in records:
                owner = owners.get(record.id)
                if owner is None and _kind_and_links(record)[0] != "configurable":
                    alone.append(record)
                    continue
                touched.add(record.id if owner is None else owner)
                parts += 1
            yield self._page(alone, owners)
        self.vendor_count = (proof.vendor_count or 0) - parts
        wanted = sorted(touched)
        for start in range(0, len(wanted), _FEW):
            yield from self._families(wanted[start : start + _FEW], owners)

    def listing(self) -> Listing:
        """The ids of families, and of products that are none's."""
        ids, counted = list[int](), 0
        owners = Owners.read(self._client, ids.extend)
        proof = Proof(Numbered(self._client, PRODUCTS, OTHERS, "id"))
        for records in proof.pages():
            alone = [record.id for record in records if owners.get(record.id) is None]
            counted += len(alone)
            ids += alone
        found = sorted(set(ids))
        return Listing(pa.array(list(map(str, found)), pa.string()), len(found))

    def count(self) -> int:
        """Families whose parent changed in the window, and products that are none's and did."""
        owners, bounds = Owners.read(self._client), changed_in(self._window)
        alone = sum(
            owners.get(record.id) is None
            for records in Proof(Numbered(self._client, PRODUCTS, (*OTHERS, *bounds), "id,updated_at")).pages()
            for record in records
        )
        return Numbered(self._client, PRODUCTS, (*WITH_CHOICES, *bounds)).count() + alone

    def _families(self, wanted: Sequence[int], owners: Owners) -> Iterator[Page]:
        """Families whole. The choices of a parent that is gone since come as products of their own, as do those it has no more."""
        parents, found, orphans = (
            Proof(Numbered(self._client, PRODUCTS, [among("entity_id", wanted)])),
            set[int](),
            list[int](),
        )
        for records in parents.pages():
            orphans += owners.note(records)
            found |= {record.id for record in records}
            yield self._page(records, Owners())
        self.vendor_count += parents.vendor_count or 0
        for owner in wanted:
            if owner not in found:
                orphans += owners.forget(owner)
        members = [*owners.choices(wanted), *orphans]
        for start in range(0, len(members), _FEW):
            yield from self._proven([among("entity_id", members[start : start + _FEW])], owners)

    def _proven(self, filters: Sequence[Filter], owners: Owners) -> Iterator[Page]:
        proof, choices = Proof(Numbered(self._client, PRODUCTS, filters)), 0
        for records in proof.pages():
            choices += sum(owners.get(record.id) is not None for record in records)
            yield self._page(records, owners)
        self.vendor_count += (proof.vendor_count or 0) - choices

    def _page(self, records: Sequence[Record], owners: Owners) -> Page:
        lines, alone = [], 0
        if records and self._labels is None:
            self._labels = Labels(self._client, self._window.end)
        for record in records:
            owner = owners.get(record.id)
            alone += owner is None
            more = self._labels.of(record.node) if self._labels else {}
            lines.append(
                line(record.node, **more) if owner is None else line(record.node, **more, __parentId=str(owner))
            )
        return Page(b"".join(lines), alone, len(lines))


def _kind_and_links(record: Record) -> tuple[Any, list[int] | None]:
    try:
        product = decode(record.node, _Product)
        return product.type_id, product.links
    except (msgspec.DecodeError, ValueError, OverflowError):
        raise Malformed(f"Magento gave product {record.id} with choices that cannot be read.") from None

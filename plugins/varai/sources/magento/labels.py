"""What a product's options are called: its custom attributes hold numbers, whose labels the shop tells elsewhere.

In: the lists of attributes with choices, and of categories. Out: what is added to a product's line (`__labels`, `__media`, `__seen_at`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from varai.sources.decoding import told
from varai.sources.magento.client import Client
from varai.sources.magento.lists import ATTRIBUTES, CATEGORIES, Numbered
from varai.sources.magento.search import Filter
from varai.sources.magento.site import media
from varai.sources.ndjson import Added
from varai.sources.proof import Proof

CATEGORY: Final = "__category"
"""Stands among the labels for the name of a product's first category."""


class _Option(msgspec.Struct):
    label: str | None = None
    value: str | int | None = None


class _Attribute(msgspec.Struct):
    attribute_code: str = ""
    options: list[_Option] | None = None


class _Category(msgspec.Struct):
    name: str | None = None


class _Custom(msgspec.Struct):
    attribute_code: str
    value: Any = None


class _Link(msgspec.Struct):
    category_id: str | int


class _Extension(msgspec.Struct):
    category_links: list[_Link] | None = None


class _Product(msgspec.Struct):
    custom_attributes: list[_Custom] | None = None
    extension_attributes: _Extension | list[Any] | None = None


class Labels:
    """The labels of a shop, as they are when this is made."""

    def __init__(self, client: Client, at: datetime) -> None:
        self._options: dict[str, dict[str, str]] = {}
        listed = Numbered(client, ATTRIBUTES, [Filter("frontend_input", "in", "select,multiselect")])
        for records in Proof(listed).pages():
            for record in records:
                found = told(record.node, _Attribute)
                if not found.attribute_code:
                    continue
                chosen = {str(one.value): one.label for one in found.options or () if one.label and one.value}
                self._options[found.attribute_code] = chosen
        self._categories: dict[str, str] = {}
        for records in Proof(Numbered(client, CATEGORIES)).pages():
            for record in records:
                self._categories[str(record.id)] = told(record.node, _Category).name or ""
        self._same: Mapping[str, str] = {
            "__media": media(client),
            "__seen_at": f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        }

    def of(self, node: msgspec.Raw) -> dict[str, Added]:
        """What is added to a product's line."""
        product = told(node, _Product)
        found = [
            {"code": one.attribute_code, "label": label}
            for one in product.custom_attributes or ()
            if (label := self._label(one))
        ]
        linked = (
            product.extension_attributes.category_links
            if isinstance(product.extension_attributes, _Extension)
            else None
        )
        names = [self._categories.get(str(one.category_id), "") for one in linked or ()]
        found += [{"code": CATEGORY, "label": name} for name in names[:1] if name]
        return {**self._same, "__labels": found}

    def _label(self, custom: _Custom) -> str:
        """The labels of the options chosen; nothing for an attribute that has none."""
        options = self._options.get(custom.attribute_code)
        if not options or not isinstance(custom.value, str | int):
            return ""
        return ", ".join(options[one] for one in str(custom.value).split(",") if one in options)

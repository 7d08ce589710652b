"""Indexes of the document store: what is declared in go, what lacks comes out, or is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pymongo import IndexModel

from varai.kernel import Scope
from varai.stores.documents import documents

Indexes = Mapping[str, Sequence[IndexModel]]
"""Collection -> its indexes."""


def create_indexes(scope: Scope, declared: Indexes) -> None:
    """Create the indexes; those that exist stay."""
    for collection, indexes in declared.items():
        documents(scope)[collection].create_indexes(list(indexes))


def lacking_indexes(scope: Scope, declared: Indexes) -> list[str]:
    """The indexes that are not there, as `collection.name`; nothing is made, no collection either."""
    found = []
    for collection, indexes in declared.items():
        there = documents(scope)[collection].index_information()
        names = [str(index.document["name"]) for index in indexes]
        found += [f"{collection}.{name}" for name in names if name not in there]
    return found

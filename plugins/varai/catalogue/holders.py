"""Which document holds a row: variants and images lie in that of their product, which a row that is gone no longer names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from varai.catalogue.collections import MAPS, collection_of, document_id, path_of
from varai.kernel import Feed, Scope
from varai.stores import documents

_PIECE = 50  # clauses of a query: the embedded server's time grows with the square of them


def holders(scope: Scope, feed: Feed, entity: str, roots: Mapping[str, str]) -> list[tuple[str, str]]:
    """(source_id of a row, source_id of a document that holds it); a row that none holds is where its root says.

    Where vendors send a product whole, a variant's root is its product. Where it is a record of its own, as in dropped files, its root is
    itself and says nothing of the product: the feed's documents are searched for it.

    Args:
        roots: source_id of a row -> source_id of the record that carried it.

    Raises:
        Misconfigured: an entity the catalogue does not hold.
    """
    own = [one for one, root in roots.items() if one == root] if entity in MAPS else []
    found = [(one, root) for one, root in roots.items() if entity not in MAPS or one != root]
    for start in range(0, len(own), _PIECE):
        found += _searched(scope, feed, entity, own[start : start + _PIECE])
    return found


def _searched(scope: Scope, feed: Feed, entity: str, ids: list[str]) -> list[tuple[str, str]]:
    target = documents(scope)[collection_of(entity)]
    paths = {one: path_of(entity, one) for one in ids}
    shown = {"source_id": 1} | dict.fromkeys(paths.values(), 1)
    # A product and its only variant may have the same id, which is found without a search.
    alike = target.find({"_id": {"$in": [document_id(feed.tenant, feed.name, one) for one in ids]}}, shown)
    found = [(one, held["source_id"]) for held in alike for one, path in paths.items() if _lives(_at(held, path))]
    missing = sorted(paths.keys() - {one for one, _ in found})
    if missing:
        clauses = [{paths[one]: {"$exists": True}} for one in missing]
        others = target.find({"tenant": feed.tenant, "feed": feed.name, "$or": clauses}, shown)
        found += [(one, held["source_id"]) for held in others for one in missing if _at(held, paths[one]) is not None]
    known = {one for one, _ in found}
    return found + [(one, one) for one in ids if one not in known]


def _at(document: Mapping[str, Any], path: str) -> Any:
    holder, _, key = path.partition(".")
    return document.get(holder, {}).get(key)


def _lives(part: Any) -> bool:
    return isinstance(part, dict) and part.get("deleted") is False

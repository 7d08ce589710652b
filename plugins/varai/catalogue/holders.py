"""Which documents hold a row: variants and images lie in that of their product, which a row that is gone no longer names.

Each document lists what lies in its maps, and an index over these lists answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from pymongo import UpdateOne
from pymongo.collection import Collection

from varai.catalogue.collections import HELD, MAPS, collection_of, held_name, in_maps, owned_by, parts_of, path_of
from varai.catalogue.parts import Part
from varai.kernel import Feed, FeedKey, Scope
from varai.stores import documents

_PIECE = 50  # ids per $in: the embedded server's time grows with the square of those it finds
_WRITE = 1_000


class Holding(NamedTuple):
    """A part where it lies: `owner` is the source_id of the document."""

    owner: str
    path: str
    part: Part


def holdings(target: Collection[dict[str, Any]], key: FeedKey, paths: Sequence[str]) -> Iterator[Holding]:
    """Every part of a feed at these paths inside maps, dead or alive, whichever documents it lies in."""
    shown = {"source_id": 1, **dict.fromkeys(MAPS.values(), 1)}
    for start in range(0, len(paths), _PIECE):
        wanted = paths[start : start + _PIECE]
        for document in target.find({HELD: {"$in": [held_name(key, path) for path in wanted]}}, shown):
            parts = parts_of(document)
            yield from (Holding(document["source_id"], path, parts[path]) for path in wanted if path in parts)


def holders(scope: Scope, feed: Feed, entity: str, roots: Mapping[str, str]) -> list[tuple[str, str]]:
    """(source_id of a row, source_id of a document that holds it); a row that none holds is where its root says.

    Args:
        roots: source_id of a row -> source_id of the record that carried it.

    Raises:
        Misconfigured: an entity the catalogue does not hold.
    """
    target = documents(scope)[collection_of(entity)]
    if entity not in MAPS:
        return [(one, one) for one in roots]
    paths = {path_of(entity, one): one for one in roots}
    found = [(paths[held.path], held.owner) for held in holdings(target, feed.key, list(paths))]
    known = {one for one, _ in found}
    return found + [(one, root) for one, root in roots.items() if one not in known]


def unlisted(document: Mapping[str, Any], coming: Sequence[str] = ()) -> list[str]:
    """What a document holds, or will with parts at the paths that are `coming`, and does not list yet."""
    key = FeedKey(document["tenant"], document["feed"])
    names = {held_name(key, path) for path in (*parts_of(document), *coming) if in_maps(path)}
    return sorted(names.difference(document.get(HELD, ())))


def list_holdings(scope: Scope, key: FeedKey | None = None, *, dry_run: bool = False) -> int:
    """Have documents list what they hold: those of a feed, or those that list nothing, as earlier releases wrote them.

    Returns how many lack something.
    """
    target, found = documents(scope)[collection_of("product")], 0
    owned: dict[str, Any] = {"tenant": key.tenant, "feed": key.feed} if key else {**owned_by(scope), HELD: None}
    updates = (
        UpdateOne({"_id": document["_id"]}, {"$addToSet": {HELD: {"$each": names}}})
        for document in target.find(owned)
        if (names := unlisted(document))
    )
    while piece := list(islice(updates, _WRITE)):
        found += len(piece)
        if not dry_run:
            target.bulk_write(piece, ordered=False)
    return found

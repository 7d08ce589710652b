"""A variant or image lives in one document: that which its newest row names. In the others that a row of it ever named it is a tombstone.

In: rows that come alive to documents in which they did not live. Out: which of them come too late, and the writes that take
what they replace out of other documents. Rows that lived where they come to are not asked for: they live nowhere else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

from pymongo import UpdateOne
from pymongo.collection import Collection

from varai.catalogue.collections import document_id, in_maps
from varai.catalogue.holders import Holding, holdings
from varai.catalogue.parts import Part, lives, moved, newer, replacing, unmoved, whole
from varai.kernel import FeedKey


class Moves(NamedTuple):
    """What follows from rows that come into documents.

    Attributes:
        late: path -> the tombstone to write in place of a row that is older than one elsewhere.
        leaving: updates of other documents, to be written first: who dies in between finds the row nowhere, and then comes again.
    """

    late: dict[str, Part]
    leaving: list[UpdateOne]


def coming(parts: Mapping[str, Part], stored: Mapping[str, Any]) -> list[str]:
    """Paths of rows that come alive to a document in which they do not live, or as a part that a comparison found wrong."""
    alive = (path for path, new in parts.items() if in_maps(path) and not new["deleted"])
    return [path for path in alive if not lives(stored.get(path)) or not stored[path].get("content_hash")]


def settle(target: Collection[dict[str, Any]], key: FeedKey, given: Mapping[str, Holding]) -> Moves:
    """Find the rows that are coming, by their path, wherever else they lie, and let the newest live."""
    found: dict[str, list[Holding]] = defaultdict(list)
    for one in holdings(target, key, list(given)):
        if whole(one.part):
            found[one.path].append(one)
    moves = Moves({}, [])
    for path, (owner, _, new) in given.items():
        first = next((one.part for one in found[path] if newer(one.part, new)), None)
        if first is not None:
            moves.late[path] = moved(new, first, new["run_id"])
            continue
        leaving = (one for one in found[path] if one.owner != owner and lives(one.part))
        moves.leaving.extend(_left(key, one, new) for one in leaving)
    return moves


def _left(key: FeedKey, one: Holding, by: Part) -> UpdateOne:
    tombstone = replacing(moved(one.part, by, by["run_id"]), one.part)
    wanted = {"_id": document_id(key.tenant, key.feed, one.owner), **unmoved(one.path, one.part)}
    return UpdateOne(wanted, {"$set": {one.path: tombstone}})

"""Rows of the catalogue that a comparison found wrong: made ready to be written anew, or taken out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from pymongo import UpdateOne

from varai.catalogue.collections import MAPS, collection_of, document_id, parts_of, path_of
from varai.catalogue.holders import holders, list_holdings
from varai.catalogue.parts import GIVEN, Part
from varai.catalogue.versions import bump
from varai.kernel import Feed, Scope, utc_now
from varai.stores import documents

_WRITE: Final = 1_000
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


def give_way(scope: Scope, feed: Feed, entity: str, roots: Mapping[str, str]) -> None:
    """Let whatever is published next take the place of these rows, though it is the version that they say they are.

    What they hold is served until then. Rows that are absent stay so.

    Args:
        roots: source_id of a row -> source_id of the record that carried it.
    """
    updates = []
    for source_id, owner in _owners(scope, feed, entity, roots):
        path, name = path_of(entity, source_id), document_id(feed.tenant, feed.name, owner)
        spoiled = {f"{path}.content_hash": "", f"{path}.ingested_at": _LONG_AGO, f"{path}.source_updated_at": None}
        updates += [
            UpdateOne({"_id": name, path: {"$exists": True, "$not": {"$type": "object"}}}, {"$unset": {path: ""}}),
            UpdateOne({"_id": name, f"{path}.run_id": {"$exists": True}}, {"$set": spoiled}),
        ]
    _write(scope, feed, entity, updates)


def bury(scope: Scope, feed: Feed, entity: str, roots: Mapping[str, str]) -> None:
    """Make tombstones of rows that nobody knows to be alive; `roots` as of `give_way`."""
    target, updates = documents(scope)[collection_of(entity)], []
    for source_id, owner in _owners(scope, feed, entity, roots):
        path, name = path_of(entity, source_id), document_id(feed.tenant, feed.name, owner)
        held = target.find_one({"_id": name}) or {}
        part = parts_of(held).get(path)
        part = part if isinstance(part, dict) else {}
        kept: Part = {field: part.get(field) for field in GIVEN}
        kept["ingested_at"] = kept["ingested_at"] or _LONG_AGO
        tombstone: Part = {**kept, "deleted": True, "deleted_at": utc_now(), "run_id": "repair", "previous": {}}
        updates.append(UpdateOne({"_id": name, path: {"$exists": True}}, {"$set": {path: tombstone}}))
    _write(scope, feed, entity, updates)


def _owners(scope: Scope, feed: Feed, entity: str, roots: Mapping[str, str]) -> list[tuple[str, str]]:
    """As `holders`, once the feed's documents list all they hold: whoever damaged them may have put rows in that they do not list."""
    if entity in MAPS:
        list_holdings(scope, feed.key)
    return holders(scope, feed, entity, roots)


def _write(scope: Scope, feed: Feed, entity: str, updates: list[UpdateOne]) -> None:
    for start in range(0, len(updates), _WRITE):
        documents(scope)[collection_of(entity)].bulk_write(updates[start : start + _WRITE])
    if updates:
        bump(scope, feed.tenant)

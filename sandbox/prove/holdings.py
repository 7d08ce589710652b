"""What a region holds of a feed, and how that differs from what another region holds: rows that live, by entity and id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.prove.region import NAME, Region
from varai import warehouse
from varai.canonical.entities import ENTITIES
from varai.catalogue.collections import COLLECTIONS, parts_of
from varai.gate import quarantine
from varai.kernel import FeedKey
from varai.stores import documents
from varai.warehouse.merge import digested

Rows = Mapping[str, Mapping[str, object]]
_OF_THE_RUN = frozenset({"ingested_at", "batch_id", "run_id", "previous", "effective_at", "source_updated_at"})
"""Told anew by every run. A shop's facts hold from when they were first seen, where the vendor keeps no date of them."""
QUARANTINE = "quarantine"
_CATALOGUE = "catalogue of "
_TOLD = 3


def holdings(region: Region, key: FeedKey) -> Rows:
    """Every living row of the warehouse and of the catalogue, and what is withheld: name of the table or collection -> id -> content."""
    found: dict[str, dict[str, object]] = {}
    with warehouse.connect(region.settings.scope(NAME), read_only=True) as opened:
        for name, entity in ENTITIES.items():
            columns = [column for column in digested(entity) if column not in _OF_THE_RUN]
            asked = f"SELECT source_id, {', '.join(opened.dialect.name(column) for column in columns)} FROM {opened.table(name)}"
            rows = opened.rows(f"{asked} WHERE tenant = '{key.tenant}' AND feed = '{key.feed}' AND NOT deleted")
            found[name] = {row[0]: dict(zip(columns, row[1:], strict=True)) for row in rows}
    database = documents(region.scope(key.tenant))
    for collection in sorted(set(COLLECTIONS.values())):
        parts: dict[str, object] = {}
        for document in database[collection].find({"tenant": key.tenant, "feed": key.feed}):
            for path, part in parts_of(document).items():
                if not part["deleted"]:
                    kept = {name: value for name, value in part.items() if name not in _OF_THE_RUN}
                    parts[f"{document['source_id']} {path}"] = kept
        found[_CATALOGUE + collection] = parts
    withheld = quarantine.list_rows(region.scope(key.tenant), key.tenant, limit=None)
    found[QUARANTINE] = {f"{row.entity} {row.source_id}": {"reasons": row.reasons} for row in withheld}
    return found


def catalogued(rows: Rows) -> set[str]:
    """Which of these are collections of the catalogue."""
    return {name for name in rows if name.startswith(_CATALOGUE)}


def known(rows: Rows, entity: str) -> set[str]:
    """Ids of an entity's rows, whether they passed or are withheld."""
    withheld = (name.split(" ", 1) for name in rows[QUARANTINE])
    return {*rows[entity], *(id for of, id in withheld if of == entity)}


def differences(held: Rows, truth: Rows) -> list[str]:
    """A sentence for every table that is not what it should be; none where all are."""
    told = []
    for name in truth:
        mine, wanted = held.get(name, {}), truth[name]
        missing, extra = wanted.keys() - mine.keys(), mine.keys() - wanted.keys()
        changed = {one for one in mine.keys() & wanted.keys() if mine[one] != wanted[one]}
        for what, ids in (("lost", missing), ("not at the vendor", extra), ("of other content", changed)):
            if ids:
                told.append(
                    f"{name}: {len(ids)} {what} ({', '.join(sorted(ids)[:_TOLD])}{_fields(name, what, ids, held, truth)})"
                )
    return told


def _fields(name: str, what: str, ids: set[str], held: Rows, truth: Rows) -> str:
    """Which fields of the first row differ; their values may be personal and stay untold."""
    if what != "of other content":
        return ""
    first = sorted(ids)[0]
    mine: Any = held[name][first]
    wanted: Any = truth[name][first]
    return ": " + ", ".join(sorted(field for field in wanted if mine.get(field) != wanted[field]))

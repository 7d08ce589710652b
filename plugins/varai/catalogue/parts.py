"""Canonical rows in, parts of documents out: a part is replaced only by a newer version, and only if it differs.

Whatever order versions arrive in, the newest by (source_updated_at, ingested_at) stays. The version that a run replaces
is kept beside the new one as `previous`, so that the run can be undone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from bson import Decimal128

from varai.canonical import entity

GIVEN = ("source", "source_updated_at", "ingested_at", "batch_id", "content_hash", "deleted")
_COMPARED = ("content_hash", "deleted", "source_updated_at", "score")
Part = dict[str, Any]


def part(entity_name: str, row: Mapping[str, Any], run_id: str) -> Part:
    """The part a row becomes. Decimals stay exact (Decimal128), instants are UTC milliseconds.

    A tombstone keeps no fields, only since when it is one: the vendor's time of the delete, or that of the slice.
    """
    made: Part = {name: _value(row[name]) for name in GIVEN}
    made["run_id"] = run_id
    if row["deleted"]:
        made["deleted_at"] = made["source_updated_at"] or made["ingested_at"]
        return made
    kind = entity(entity_name)
    made |= {field.name: _value(row[field.name]) for field in kind.fields if not field.vault}
    made |= {"flags": _value(row["flags"]) or [], "score": _score(row["score"]), "stale": False}
    return made


def moved(gone: Mapping[str, Any], by: Mapping[str, Any], run_id: str) -> Part:
    """The tombstone that a row leaves where it no longer is, of the version that was there; `by` is the one that named another place."""
    made: Part = {name: gone[name] for name in GIVEN}
    return made | {"run_id": run_id, "deleted": True, "deleted_at": by["source_updated_at"] or by["ingested_at"]}


def lives(part: Any) -> bool:
    """Whether a part is a row that is there, no tombstone; somebody may have made anything of it."""
    return isinstance(part, dict) and part.get("deleted") is False


def whole(part: Any) -> bool:
    """Whether a part says which version it is; one that somebody damaged does not, and gives way to any."""
    told = isinstance(part, dict) and all(name in part for name in (*GIVEN, "run_id"))
    return told and isinstance(part["ingested_at"], datetime)


def newer(one: Mapping[str, Any], than: Mapping[str, Any]) -> bool:
    """Whether a part is a later version: by the vendor's time where both have one and they differ, else by ours."""
    mine, theirs = one["source_updated_at"], than["source_updated_at"]
    if mine is not None and theirs is not None and mine != theirs:
        return bool(mine > theirs)
    return bool(one["ingested_at"] > than["ingested_at"])


def same(one: Mapping[str, Any], held: Mapping[str, Any]) -> bool:
    """Whether writing a part would change nothing but fields of the run; a stale one is fresh again by being written."""
    equal = all(one.get(name) == held.get(name) for name in _COMPARED)
    return equal and one.get("flags", []) == held.get("flags", []) and not held.get("stale", False)


def replacing(new: Part, held: Part | None) -> Part | None:
    """What to store for `new` where `held` is stored: None when that is newer or the same.

    `previous` becomes the version stored before this run; {} where there was none, or one that somebody damaged.
    """
    if held is None or not whole(held):
        return {**new, "previous": {}}
    if newer(held, new) or same(new, held):
        return None
    if held["run_id"] == new["run_id"]:
        return {**new, "previous": held["previous"]}
    return {**new, "previous": {**held, "previous": None}}


def unmoved(path: str, held: Part | None) -> dict[str, Any]:
    """A filter that holds while the part at `path` is still the one that was read."""
    if held is None:
        return {path: {"$exists": False}}
    if not whole(held):
        return {path: held}
    return {f"{path}.{name}": held[name] for name in ("content_hash", "ingested_at", "run_id", "deleted")}


def _score(value: Any) -> float | None:
    return None if value is None else float(value)


def _value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return Decimal128(plain(value))
    if isinstance(value, datetime):
        return value.replace(microsecond=value.microsecond // 1000 * 1000)
    return value


def plain(value: Decimal) -> Decimal:
    """The same number without trailing zeros and without an exponent."""
    trimmed = value.normalize()
    return trimmed.quantize(Decimal(1)) if trimmed.as_tuple().exponent > 0 else trimmed  # type: ignore[operator]  # finite, so a number

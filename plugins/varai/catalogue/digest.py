"""A digest of a tenant's catalogue that is equal when its contents are, whichever run wrote them."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import orjson
from bson import Decimal128

from varai.catalogue.collections import COLLECTIONS, parts_of
from varai.kernel import Scope
from varai.stores import documents

_OF_THE_RUN = frozenset({"ingested_at", "batch_id", "run_id", "deleted_at", "previous"})


def digest(scope: Scope, tenant: str) -> str:
    """SHA-256 over every part of the tenant's documents in order of identity, without fields of the run."""
    found = hashlib.sha256()
    for collection in sorted(set(COLLECTIONS.values())):
        for document in documents(scope)[collection].find({"tenant": tenant}).sort("_id", 1):
            for path, part in sorted(parts_of(document).items()):
                kept = {name: value for name, value in part.items() if name not in _OF_THE_RUN}
                line = [collection, document["_id"], path, kept]
                found.update(
                    orjson.dumps(line, default=_text, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME)
                )
    return found.hexdigest()


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal128):
        return str(value)
    raise TypeError(f"{type(value)} has no place in a document of the catalogue")

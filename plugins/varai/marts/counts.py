"""How many records a tenant's published snapshot holds, for reconciliation."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from varai.kernel import FeedKey, Gone, Malformed, Scope
from varai.marts.publish import read_manifest
from varai.marts.words import manifest_key
from varai.stores import objects


class PublishedCount(NamedTuple):
    """Records of a feed in the snapshot whose contents were first seen at `as_of`."""

    records: int
    as_of: datetime


def count_published(scope: Scope, key: FeedKey, mart: str, column: str) -> PublishedCount | None:
    """Distinct values of a column among a feed's rows of a published mart; None where the mart was not published yet.

    The caller holds the region's `warehouse` lease, so that nobody publishes meanwhile.

    Raises:
        Gone: the manifest names a file that is not there. Malformed: the file is no Parquet file.
    """
    store = objects(scope)
    found = read_manifest(store, key.tenant)
    published = found[0].marts.get(mart) if found is not None else None
    if found is None or published is None:
        return None
    cure = f"Remove {manifest_key(key.tenant)}, then run `varai transform`."
    try:
        with store.open(published.key) as file:
            rows = pq.read_table(file, columns=[column], filters=[("feed", "==", key.feed)])
    except FileNotFoundError as error:
        raise Gone(f"The snapshot of tenant '{key.tenant}' lacks its file of {mart}.", cure) from error
    except pa.ArrowInvalid as error:
        raise Malformed(f"The snapshot of tenant '{key.tenant}' has a broken file of {mart}.", cure) from error
    return PublishedCount(pc.count_distinct(rows[column]).as_py(), found[0].as_of)

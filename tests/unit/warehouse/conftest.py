"""A region of one's own: its scope, and a way to stage rows in its bucket."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from varai.canonical import ENTITIES
from varai.kernel import Scope
from varai.privacy import create_object
from varai.settings import load

Stage = Callable[..., str]
PLANNED = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    """The eu region in an empty folder; its document store is never asked."""
    home = {"VARAI_HOME": str(tmp_path), "VARAI_STORES__EU__DOCUMENTS_URI": "mongodb://127.0.0.1:1/"}
    return load(home).scope("eu")


@pytest.fixture
def stage(scope: Scope) -> Stage:
    """Stage rows of an entity as the river does, or with token None as it once did; columns left out are null."""

    def put(
        entity: str,
        batch_id: str,
        rows: Sequence[dict[str, Any]],
        *,
        tenant: str = "acme",
        token: int | None = 1,
        drop: tuple[str, ...] = (),
    ) -> str:
        found = ENTITIES[entity]
        table = pa.Table.from_pylist(
            [_filled(found.schema(), tenant, batch_id, row) for row in rows], schema=found.schema()
        )
        buffer = io.BytesIO()
        pq.write_table(table.drop_columns(list(drop)), buffer)
        name = batch_id if token is None else f"{batch_id}-{token}"
        key = f"canonical/{tenant}/{entity}/{name}.parquet" + (".sealed" if found.sealed else "")
        with create_object(scope, key) as file:
            file.write(buffer.getvalue())
        return key

    return put


def _filled(schema: pa.Schema, tenant: str, batch_id: str, row: dict[str, Any]) -> dict[str, Any]:
    ours = {
        "tenant": tenant,
        "feed": "shop",
        "source": "shopify",
        "root_id": row.get("source_id"),
        "ingested_at": PLANNED,
        "batch_id": batch_id,
        "content_hash": "hash",
        "deleted": False,
    }
    return dict.fromkeys(schema.names) | ours | row

"""Scopes with an empty database, and staged tables made of a few stated fields."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from varai.canonical import entity
from varai.kernel import Feed, Scope
from varai.settings import FolderSecrets

Rows = Callable[..., pa.Table]
_AT = datetime(2026, 11, 1, 1, tzinfo=UTC)


@pytest.fixture
def scope(tmp_path: Path, mongodb_uri: str, mongodb: str) -> Scope:
    """The scope of one tenant, with an empty database and no cache."""
    return Scope(
        region="eu",
        tenant="north",
        plane="commerce",
        bucket=str(tmp_path / "bucket"),
        documents_uri=mongodb_uri,
        database=mongodb,
        cache_url="",
        warehouse="",
        secrets=FolderSecrets(tmp_path / "secrets"),
    )


@pytest.fixture
def feed() -> Feed:
    """The feed whose rows are published."""
    return Feed(tenant="north", name="shop", connector="shopify", base_url="http://localhost", secret="north-shop")


@pytest.fixture
def staged() -> Rows:
    """Makes staged tables."""
    return _staged


def _staged(name: str, *rows: dict[str, Any]) -> pa.Table:
    """A staged table of an entity: what a row does not state is null, its run fields have plain values."""
    kind = entity(name)
    made = []
    for row in rows:
        given: dict[str, Any] = {field.name: None for field in kind.stored}
        given |= {
            "tenant": "north",
            "feed": "shop",
            "source": "shopify",
            "root_id": row.get("product_id") or row["source_id"],
        }
        given |= {
            "source_updated_at": _AT,
            "ingested_at": _AT,
            "batch_id": "b",
            "deleted": False,
            "flags": [],
            "score": 100.0,
        }
        given |= {"content_hash": str(sorted((key, str(value)) for key, value in row.items()))}
        made.append(given | row)
    return pa.Table.from_pylist(made, schema=kind.schema())

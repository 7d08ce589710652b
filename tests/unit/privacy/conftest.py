"""Scopes over real stores: a folder as bucket, a folder of secrets, and the session's document server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from varai.kernel import Scope
from varai.settings import FolderSecrets

ScopeOf = Callable[..., Scope]


@pytest.fixture
def scope_of(tmp_path: Path) -> ScopeOf:
    """Makes scopes that share one bucket and one ring of keys, without a document store."""

    def make(tenant: str | None = "north", uri: str = "", database: str = "none") -> Scope:
        return Scope(
            region="eu",
            tenant=tenant,
            plane="commerce",
            bucket=str(tmp_path / "bucket"),
            documents_uri=uri,
            database=database,
            cache_url="",
            warehouse="",
            secrets=FolderSecrets(tmp_path / "secrets"),
        )

    return make


@pytest.fixture
def scope(scope_of: ScopeOf, mongodb_uri: str, mongodb: str) -> Scope:
    """The scope of one tenant, with an empty database."""
    return scope_of("north", mongodb_uri, mongodb)


@pytest.fixture
def neighbour(scope_of: ScopeOf, mongodb_uri: str, mongodb: str) -> Scope:
    """The scope of another tenant in the same database."""
    return scope_of("south", mongodb_uri, mongodb)

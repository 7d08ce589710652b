"""Settings over a real document server and an empty home."""

from __future__ import annotations

from pathlib import Path

import pytest

from varai.kernel import Scope
from varai.settings import Settings, load


@pytest.fixture
def settings(home: Path, mongodb_uri: str, mongodb: str) -> Settings:
    """Settings of an embedded stack that has only documents."""
    stores = {f"VARAI_STORES__{region}__DOCUMENTS_URI": mongodb_uri for region in ("EU", "US")}
    return load({"VARAI_HOME": str(home), "VARAI_DATABASE": mongodb, **stores})


@pytest.fixture
def scope(settings: Settings) -> Scope:
    """The scope of one seeded tenant."""
    return settings.scope("eu", "northwind-eu")

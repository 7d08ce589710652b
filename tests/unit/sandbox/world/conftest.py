"""A small world with every defect and one without any, and a reader of what stands in a shop's file."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from sandbox.world import DefectRates, Truth, WorldSpec, build


class Stored(NamedTuple):
    """A node of a shop: its columns and its parsed body."""

    gid: str
    parent: str | None
    created_at: str
    updated_at: str
    body: dict[str, Any]

    @property
    def source_id(self) -> str:
        return self.gid.rsplit("/", 1)[-1]


class Shop:
    """Reads a shop's file without any code of the simulator."""

    def __init__(self, path: Path, spec: WorldSpec, truth: Truth) -> None:
        self.path, self.spec, self.truth = path, spec, truth

    def of(self, kind: str) -> list[Stored]:
        with sqlite3.connect(self.path) as db:
            rows = db.execute(
                "SELECT gid, parent_gid, created_at, updated_at, body FROM node WHERE type = ? ORDER BY gid", (kind,)
            ).fetchall()
        return [Stored(*row[:4], orjson.loads(row[4])) for row in rows]

    def by_parent(self, kind: str) -> dict[str, list[Stored]]:
        found: dict[str, list[Stored]] = {}
        for row in self.of(kind):
            found.setdefault(row.parent or "", []).append(row)
        return found


def small(name: str, country: str, zone: str, currency: str) -> WorldSpec:
    return WorldSpec(
        name, f"{name}.example.com", 7, currency, zone, country, "id", "secret", products=90, orders=900,
        customers=250, canary=f"marker-{name}",
        defects=DefectRates(malformed_order_date=0.004, unknown_currency=0.005),
    )  # fmt: skip


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A European shop: prices hold the tax."""
    spec = small("vienna", "AT", "Europe/Vienna", "EUR")
    path = tmp_path_factory.mktemp("shops") / "vienna.sqlite"
    return Shop(path, spec, build(path, spec))


@pytest.fixture(scope="session")
def american(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """An American shop without a defect: tax is added."""
    spec = replace(small("boston", "US", "America/New_York", "USD"), defects=DefectRates.none())
    path = tmp_path_factory.mktemp("shops") / "boston.sqlite"
    return Shop(path, spec, build(path, spec))


@pytest.fixture(params=["shop", "american"])
def either(request: pytest.FixtureRequest) -> Shop:
    """Both shops, one after the other."""
    found: Shop = request.getfixturevalue(request.param)
    return found

"""Dropped files down the river: two feeds of one tenant, twice; full and delta files, late and again; a report to the cent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sandbox.world.files import build
from sandbox.world.spec import DefectRates, WorldSpec
from varai import catalogue, privacy, registry
from varai.cli import app as cli
from varai.kernel import FeedKey, Scope
from varai.registry import RunRecord
from varai.river.run import run_feeds
from varai.river.transform import transform
from varai.settings import Settings, load
from varai.sources import stream_names

pytestmark = pytest.mark.slow
TENANT = "maple-optical"
WORLD = WorldSpec(
    TENANT,
    "maple-optical.example.com",
    3,
    "USD",
    "America/Los_Angeles",
    "US",
    "user",
    "password",
    products=12,
    orders=60,
    customers=25,
    defects=DefectRates.none(),
)
FEEDS = {"shop": WORLD, "outlet": replace(WORLD, name="outlet", seed=4, defects=DefectRates())}
FATES = ("published", "quarantined", "unchanged", "superseded", "unmappable", "erased")


@dataclass(frozen=True)
class Two:
    """A region with one tenant, who drops files for two feeds."""

    settings: Settings
    drops: Path

    @property
    def scope(self) -> Scope:
        """The tenant's."""
        return self.settings.scope("us", TENANT)

    def run(self, feeds: Iterable[str] = FEEDS, **given: Any) -> RunRecord:
        """One run of both feeds, or of some."""
        return run_feeds(self.settings, "us", [FeedKey(TENANT, feed) for feed in feeds], **given)

    def slices(self, feed: str | None = None) -> dict[tuple[str, str], dict[str, Any]]:
        """The last slice of every stream that was read."""
        told = registry.status(self.settings.scope("us"), {}, stream_names)["slices"]
        found = [row for row in told if row["tenant"] == TENANT and row["landed"] is not None]
        return {(row["feed"], row["stream"]): row for row in found if feed in (None, row["feed"])}

    def drop(self, name: str, text: str, *, feed: str = "shop", age: timedelta = timedelta(hours=1)) -> Path:
        """Lay a file into a feed's folder, written that long ago."""
        path = self.drops / feed / name
        path.write_text(text, encoding="utf-8")
        at = (datetime.now(UTC) - age).timestamp()
        os.utime(path, (at, at))
        return path


@pytest.fixture
def two(home: Path, mongodb_uri: str, mongodb: str, tmp_path: Path) -> Two:
    """Both exports, delivered."""
    environment = {
        "VARAI_HOME": str(home),
        "VARAI_DATABASE": mongodb,
        "VARAI_STORES__US__DOCUMENTS_URI": mongodb_uri,
    }
    (home / "settings.env").write_text("".join(f"{name}={value}\n" for name, value in environment.items()))
    settings = load(environment)
    [seed] = [seed for seed in settings.seeds if seed.tenant.name == TENANT]
    [given] = seed.feeds
    feeds = [given.model_copy(update={"name": feed}) for feed in FEEDS]
    registry.seed(settings.scope("us"), [seed.model_copy(update={"feeds": tuple(feeds)})])
    for room in (registry, catalogue, privacy):
        room.ensure_indexes(settings.scope("us"))
    drops = home / "buckets" / "us" / "drop" / TENANT
    for feed, spec in FEEDS.items():
        build(tmp_path / spec.name, spec)
        shutil.copytree(tmp_path / spec.name, drops / feed)
    return Two(settings, drops)


def test_two_feeds_of_one_tenant_are_whole_never_mixed_and_read_once(two: Two) -> None:
    assert two.run().failures == {}
    first = two.slices()
    assert len(first) == 2 * len(stream_names("files")) - 2 * 5  # a feed has the streams it declares
    for row in first.values():
        assert row["vendor_count"] == row["landed"] == sum(row[fate] for fate in FATES) > 0, row
        assert row["balanced"] and row["watermark"] and row["state"] == "ok", row
    snapshots = transform(two.settings, "us", holder="test").snapshots
    assert snapshots.keys() == {TENANT}

    assert two.run().merged == {}
    for row in two.slices().values():
        assert (row["published"], row["tombstoned"], row["balanced"]) == (0, 0, True), row
    again = transform(two.settings, "us", holder="test")
    assert (again.snapshots, again.changed) == (snapshots, ())


def test_a_preview_shows_what_rows_become_and_writes_nothing(two: Two) -> None:
    bucket = two.drops.parents[1]
    text = (two.drops / "outlet" / "products-20261101.csv").read_bytes().decode("cp1252").splitlines(keepends=True)
    two.drop("products-20261102.csv", "".join(text[:5]) + 'cut,"short\n', feed="outlet")
    before = sorted(path for path in bucket.rglob("*") if path.is_file())
    words = ["feeds", "preview", "--region", "us", "--tenant", TENANT, "--feed", "outlet", "--rows", "4"]
    told = CliRunner().invoke(cli, words)
    print(told.output)
    assert told.exit_code == 0
    assert sorted(path for path in bucket.rglob("*") if path.is_file()) == before

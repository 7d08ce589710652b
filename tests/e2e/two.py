"""A region with one tenant whose two feeds read two shops of one vendor, and what must hold of any such pair."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.vendors.records import Records
from sandbox.world.spec import WorldSpec
from tests.conftest import simulated
from varai import catalogue, privacy, registry
from varai.kernel import FeedKey, Scope
from varai.registry import RunRecord
from varai.river.proof.mend import mend_feed
from varai.river.proof.prove import prove_feed
from varai.river.run import run_feeds
from varai.river.transform import transform
from varai.settings import FolderSecrets, Settings, load
from varai.sources import stream_names
from varai.stores import documents

FATES = ("published", "quarantined", "unchanged", "superseded", "unmappable", "erased")


@dataclass(frozen=True)
class Pair:
    """Two shops of a vendor: the tenant, the world of each feed's shop, its writer, and the secret that both take."""

    vendor: str
    tenant: str
    feeds: Mapping[str, WorldSpec]
    build: Callable[[Path, WorldSpec], object]
    secret: Mapping[str, str]


@dataclass(frozen=True)
class Two:
    """The region, its settings and the folder of the shops' files."""

    pair: Pair
    region: str
    settings: Settings
    shops: Path

    @property
    def scope(self) -> Scope:
        """The tenant's."""
        return self.settings.scope(self.region, self.pair.tenant)

    def run(self, feeds: Iterable[str] | None = None, **given: Any) -> RunRecord:
        """One run of both feeds, or of some."""
        keys = [FeedKey(self.pair.tenant, feed) for feed in feeds or self.pair.feeds]
        return run_feeds(self.settings, self.region, keys, **given)

    def slices(self) -> list[dict[str, Any]]:
        """The last slice of every stream that was read."""
        told = registry.status(self.settings.scope(self.region), {}, stream_names)["slices"]
        return [row for row in told if row["tenant"] == self.pair.tenant and row["landed"] is not None]

    def file(self, feed: str) -> Path:
        """The file of a feed's shop."""
        return self.shops / f"{self.pair.feeds[feed].name}.sqlite"

    def bodies(self, feed: str, kind: str) -> list[dict[str, Any]]:
        """Records of a shop, from the simulator's own file."""
        with closing(Records(self.file(feed))) as records:
            return [json.loads(one) for one in records.page(kind)]


@contextmanager
def two_shops(pair: Pair, home: Path, uri: str, database: str, folder: Path, region: str = "eu") -> Iterator[Two]:
    """Both shops behind the simulator, and nothing read yet."""
    shops = folder / "shops"
    shops.mkdir()
    for spec in pair.feeds.values():
        pair.build(shops / f"{spec.name}.sqlite", spec)
    FolderSecrets(home / "secrets").create(f"{pair.tenant}-shop", json.dumps(dict(pair.secret)))
    with simulated(pair.vendor, folder, shops) as url:
        place = f"{pair.vendor}_{region}"
        environment = {
            "VARAI_HOME": str(home),
            "VARAI_DATABASE": database,
            f"VARAI_STORES__{region.upper()}__DOCUMENTS_URI": uri,
            f"VARAI_VENDORS__{place.upper()}": url,
        }
        settings = load(environment)
        [seed] = [seed for seed in settings.seeds if seed.tenant.name == pair.tenant]
        [given] = seed.feeds
        feeds = [
            given.model_copy(update={"name": feed, "base_url": f"${{{place}}}/{spec.name}"})
            for feed, spec in pair.feeds.items()
        ]
        registry.seed(settings.scope(region), [seed.model_copy(update={"feeds": tuple(feeds)})])
        for room in (registry, catalogue, privacy):
            room.ensure_indexes(settings.scope(region))
        yield Two(pair, region, settings, shops)


def homes(scope: Scope, feed: str, variant: str) -> dict[str, bool]:
    """The products in whose documents the catalogue holds a variant, and whether it lives there."""
    found = documents(scope)["products"].find({"feed": feed, f"variants.{variant}": {"$exists": True}})
    return {one["source_id"]: not one["variants"][variant]["deleted"] for one in found}


def check_whole_never_mixed_and_read_once(two: Two) -> None:
    """Every stream of both feeds balances with its own shop; a second run finds nothing new, and publishes no other snapshot."""
    vendor, feeds = two.pair.vendor, two.pair.feeds
    assert two.run().failures == {}
    first = two.slices()
    assert len(first) == len(feeds) * len(stream_names(vendor))
    for row in first:
        assert row["vendor_count"] == row["landed"] == sum(row[fate] for fate in FATES) > 0, row
        assert row["balanced"] and row["watermark"] and row["state"] == "ok", row
    for feed in feeds:
        landed = {row["stream"]: row for row in first if row["feed"] == feed}
        if "orders" not in landed:
            continue
        assert landed["orders"]["landed"] == len(two.bodies(feed, "orders"))
        assert landed["orders"]["entities"]["refund"]["mapped"] == len(two.bodies(feed, "refunds")) > 0
    snapshots = transform(two.settings, two.region, holder="test").snapshots
    assert snapshots.keys() == {two.pair.tenant}

    assert two.run().merged == {}
    for row in two.slices():
        assert (row["published"], row["tombstoned"], row["balanced"]) == (0, 0, True), row
    again = transform(two.settings, two.region, holder="test")
    assert (again.snapshots, again.changed) == (snapshots, ())
    for feed in feeds:
        proof = prove_feed(two.settings, two.region, FeedKey(two.pair.tenant, feed), holder="test")
        assert proof.proven, proof.sentences
        assert {one.stream for one in proof.streams if one.asked} == set(stream_names(vendor))


def check_who_is_gone_at_the_vendor_is_found_and_mended(two: Two, kind: str = "customers") -> None:
    """A record that the vendor deleted since the last run, in a list that tells no deletes; of a kind that is one row here."""
    feed = next(iter(two.pair.feeds))
    key = FeedKey(two.pair.tenant, feed)
    with Records(two.file(feed)) as records:
        records.delete(kind, two.bodies(feed, kind)[0]["id"])
    proof = prove_feed(two.settings, two.region, key, holder="test")
    assert [dict(one.wrong) for stream in proof.streams for one in stream.differences] == [{"vendor": "gone"}]
    mended = mend_feed(two.settings, two.region, key, reason="a test", actor="test", holder="test")
    assert mended.after.proven, mended.after.sentences

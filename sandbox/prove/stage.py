"""A row of the matrix set up: a simulator with two shops, and a region that has read both twice and can be put back to that.

The shop under test is `shaken`. Beside it, in the same runs, another tenant's shop `steady` is read, which no fault may reach.
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from sandbox import servers
from sandbox.prove.clerk import KINDS, Clerk, Taken
from sandbox.prove.columns import Column, Fault
from sandbox.prove.dropped import Dropped
from sandbox.prove.holdings import Rows
from sandbox.prove.region import NAME, Region
from sandbox.prove.rows import PAGE, ROWS, Row
from sandbox.prove.site import Simulated, Site
from sandbox.prove.told import Told
from sandbox.prove.truth import NotRead, read_anew
from sandbox.world.spec import DefectRates, WorldSpec
from varai import registry
from varai.kernel import Feed, FeedKey, Window
from varai.settings import FolderSecrets
from varai.sources import connector, streams_of
from varai.sources.contract import StreamSpec

SHAKEN, STEADY = "shaken", "steady"
_DAY = timedelta(hours=25)
_PATIENCE_S = 30.0
_APP = ("app", "app-secret")
_WORLD = WorldSpec(SHAKEN, "shaken.example.com", 5, "EUR", "Europe/Berlin", "DE", *_APP, 18, 26, 14)
_SMALL = WorldSpec(STEADY, "steady.example.com", 6, "EUR", "Europe/Berlin", "DE", *_APP, 4, 6, 4)
_NEWCOMERS = {"products": 2, "orders": 2, "customers": 2}
"""So many records come only after the shop was read, all but the last of each kind in a day's business."""


@dataclass
class Stage:
    """What a cell works with.

    Attributes:
        newcomers: records that the shop does not have yet.
        exits: end what was begun for the row.
        spares: records that it never gets in a day's business, one of each kind.
        aimed: how often the faults that are set may strike.
    """

    vendor: str
    row: Row
    site: Site
    shops: Path
    region: Region
    keys: Path
    exits: ExitStack
    newcomers: list[Taken] = field(default_factory=list)
    spares: list[Taken] = field(default_factory=list)
    aimed: int = 0
    _truths: dict[object, Rows] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def feed(self) -> Feed:
        """The feed under test."""
        return self.region.feeds[0]

    @property
    def streams(self) -> list[str]:
        """Its streams."""
        return [spec.name for spec in self.specs]

    @property
    def kinds(self) -> list[str]:
        """Kinds of records that it knows: not every vendor has orders and people."""
        return [kind for kind in KINDS if kind in self.streams]

    @property
    def specs(self) -> Sequence[StreamSpec]:
        """What is known of them."""
        return streams_of(connector(self.vendor), self.feed)

    def clerk(self, shop: str = SHAKEN) -> Clerk:
        """Who changes a shop."""
        return self.row.clerk(self.row.file(self.shops, shop))

    def aim(self, faults: Iterable[Fault]) -> None:
        """Switch faults of the shop under test on."""
        self.site.aim(SHAKEN, faults)
        self.aimed = self.waiting()

    @cached_property
    def door(self) -> str:
        """Address of the region's hook surface, which is served from the first time on that it is asked for."""
        folder = self.shops.parent / "door"
        folder.mkdir()
        url, _ = self.exits.enter_context(servers.hook_surface(NAME, self.region.environment, folder))
        return url

    def tell(self, told: Iterable[Told], shop: str = SHAKEN) -> None:
        """Have a shop's vendor send webhooks, one after the other. Raises RuntimeError for one that was not taken."""
        if self.row.topic is None:
            raise RuntimeError(f"{self.vendor} has no topics in sandbox/prove/rows.py.")
        to = f"{self.door}/v1/hooks/{self.vendor}/{FeedKey(shop, self.feed.name)}"
        with httpx.Client(timeout=_PATIENCE_S, trust_env=False) as vendor:
            for one in told:
                topic = self.row.topic(one.kind, one.what)
                asked = {"to": to, "topic": topic, "event": one.event, "at": one.at.isoformat(), "body": one.body}
                sent = vendor.post(f"{self.site.address(shop)}/_webhooks", json=asked).raise_for_status().json()
                if sent["answers"] != [httpx.codes.OK]:
                    raise RuntimeError(f"The door answered {sent['answers']} to a genuine {topic}.")

    def waiting(self) -> int:
        """How often faults that are set would strike yet."""
        return self.site.waiting(SHAKEN, self.region)

    def heal(self) -> None:
        """Switch all faults off."""
        self.site.heal(SHAKEN)

    def put_back(self) -> None:
        """Both shops and the region as they were when the stage was set."""
        self.heal()
        for shop in (SHAKEN, STEADY):
            _place(self.row.file(self.shops.parent, shop), self.row.file(self.shops, shop))
        self.site.put_back()
        self.region.put_back()

    def day_passes(self, *, listed: bool) -> None:
        """Make it so that both feeds were read a day ago, or the ids of the one under test listed then."""
        at = datetime.now(UTC) - _DAY
        for stream in self.streams:
            if listed:
                self.region.was_listed(self.feed.key, stream, at)
            for feed in () if listed else self.region.feeds:
                self.region.was_read(feed.key, stream, at)

    def overlap(self, much: timedelta) -> None:
        """Let the feed's windows overlap by as much."""
        wanted = self.feed.model_copy(update={"overlap_s": round(much.total_seconds())})
        registry.put_feed(self.region.scope(self.feed.tenant), wanted)

    def was_read(self, at: datetime) -> None:
        """Make it so that the feed was read then."""
        for stream in self.streams:
            self.region.was_read(self.feed.key, stream, at)

    def was_planned(self, end: datetime) -> None:
        """Make it so that the feed's next windows end then, planned by a run that stopped before it read."""
        marks = self.region.watermarks(self.feed.key, self.streams)
        for spec in self.specs:
            mark = marks[spec.name] if spec.incremental else None
            start = mark - timedelta(seconds=self.feed.overlap_s) if mark else None
            self.region.was_planned(self.feed.key, spec.name, Window(start=start, end=end.replace(microsecond=0)))

    def truth(self, column: Column) -> dict[FeedKey, Rows]:
        """What a fresh region that reads both shops as they are, without any fault, comes to hold.

        Columns by which the same things happen at the vendor share it.
        """
        own, other = self.region.feeds
        happened = (column.yesterday, column.today, column.meanwhile)
        for feed, what in ((own, happened), (other, None)):
            if (feed.key, what) not in self._truths:
                name = f"truth-{next(self._numbers)}"
                self._truths[feed.key, what] = read_anew(self.region, self.keys, name, feed, self.clerk(feed.tenant))
        return {own.key: self._truths[own.key, happened], other.key: self._truths[other.key, None]}

    def forget_truths(self) -> None:
        """Read the shops anew when their truth is asked for again."""
        self._truths.clear()


@contextmanager
def stage(vendor: str, folder: Path, uri: str, database: str) -> Iterator[Stage]:
    """Set a row up in a folder; `database` begins the names of those it makes on the server at `uri`."""
    row, keys = ROWS[vendor], FolderSecrets(folder / "keys")
    shops, drops = folder / "vendor" / "shops", folder / "vendor" / "drops"
    shops.mkdir(parents=True)
    with ExitStack() as exits:
        site: Site
        if row.deliver is not None:
            site = Dropped(shops, drops, row.deliver)
        else:
            site = Simulated(row, exits.enter_context(servers.simulated(vendor, shops.parent, shops)))
        feeds = []
        for spec in (_WORLD, _SMALL):
            row.build(row.file(shops, spec.name), replace(spec, defects=DefectRates.none()))
            keys.create(f"{spec.name}-shop", json.dumps(dict(row.secret(spec))))
            feeds.append(shop_feed(vendor, spec.name, site.address(spec.name), f"{spec.name}-shop", row.settings(spec)))
        region = Region.begin(folder / "region", folder / "keys", uri, database, feeds, drops if row.deliver else None)
        exits.callback(region.end)
        made = Stage(vendor, row, site, shops, region, folder / "keys", exits)
        _open(made)
        yield made


def shop_feed(vendor: str, tenant: str, url: str, secret: str, more: Mapping[str, Any]) -> Feed:
    """A tenant's only feed: of the shop at an address, in small pages."""
    settings = {"page_size": PAGE, "training_consent": True, **more}
    return Feed(
        tenant=tenant,
        name="shop",
        connector=vendor,
        base_url=url,
        secret=secret,
        overlap_s=1,
        settings=settings,
    )


def _open(made: Stage) -> None:
    """Read both shops twice, the second time with a listing of ids, and remember all as it is then, a day later."""
    clerk = made.clerk()
    for kind in made.kinds:
        for one in _last(clerk.ids(kind), _NEWCOMERS[kind]):
            made.newcomers.append(clerk.take(kind, one))
            clerk.remove(kind, one, _WORLD.anchor)
        made.spares.append(made.newcomers.pop())
    made.site.deliver()
    for _ in range(2):
        failures = made.region.run().failures
        if failures:
            raise NotRead([f"Before any fault {name} could not be read: {said}" for name, said in failures.items()])
    made.day_passes(listed=False)
    made.region.keep()
    made.site.keep()
    for shop in (SHAKEN, STEADY):
        shutil.copyfile(made.row.file(made.shops, shop), made.row.file(made.shops.parent, shop))


def _last(ids: Sequence[str], many: int) -> Sequence[str]:
    return ids[-many:]


def _place(kept: Path, shop: Path) -> None:
    """Lay a file before the simulator as a new one: by another inode, and without what was not yet written into the old one."""
    fresh = shop.with_suffix(".fresh")
    shutil.copyfile(kept, fresh)
    for old in ("-wal", "-shm"):
        shop.with_name(shop.name + old).unlink(missing_ok=True)
    fresh.replace(shop)

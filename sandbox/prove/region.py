"""One region in a folder and a database of its own: feeds in, runs, and what they leave; it can be put back as it was.

Two regions with the same keys give one person one pseudonym, so that what they hold can be compared.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pymongo import MongoClient

from varai import catalogue, privacy, registry
from varai.kernel import Feed, FeedKey, Scope, Tenant, Window, Word
from varai.registry import RunRecord, SliceState, StreamKey
from varai.registry.slices import Listed, Planned, Watermark
from varai.river.context import Progress, silent
from varai.river.dropped import ROOT
from varai.river.run import run_feeds
from varai.settings import Seed, Settings, load
from varai.stores import objects

NAME = "eu"
Stated = TypeVar("Stated", bound=Word)
Kept = Mapping[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Region:
    """A region with its feeds; `environment` is what its settings came from, `drops` where files are dropped, if any are."""

    home: Path
    uri: str
    environment: Mapping[str, str]
    settings: Settings
    feeds: tuple[Feed, ...]
    drops: Path | None = None
    _kept: dict[str, Kept] = field(default_factory=dict)

    @classmethod
    def begin(
        cls, home: Path, keys: Path, uri: str, database: str, feeds: Sequence[Feed], drops: Path | None = None
    ) -> Region:
        """An empty region whose registry knows these feeds; of those that read dropped files, `drops` has a folder per tenant."""
        home.mkdir(parents=True)
        environment = {
            "VARAI_HOME": str(home),
            "VARAI_DATABASE": database,
            f"VARAI_STORES__{NAME.upper()}__DOCUMENTS_URI": uri,
            f"VARAI_STORES__{NAME.upper()}__SECRETS": str(keys),
        }
        settings = load(environment)
        made = cls(home, uri, environment, settings, tuple(feeds), drops)
        registry.seed(made.scope(), [_seed(feed) for feed in feeds])
        for room in (registry, catalogue, privacy):
            room.ensure_indexes(made.scope())
        if drops is not None:
            made._find(drops)
        return made

    def _find(self, drops: Path) -> None:
        """Let each feed's folder of the bucket be its tenant's of `drops`, which stays what it is when the region is put back."""
        for feed in self.feeds:
            folder = self.home / "buckets" / NAME / ROOT / feed.tenant
            folder.mkdir(parents=True)
            (folder / feed.name).symlink_to(drops / feed.tenant)

    def scope(self, tenant: str | None = None) -> Scope:
        """The region's scope, or a tenant's."""
        return self.settings.scope(NAME, tenant)

    def run(self, keys: Sequence[FeedKey] = (), progress: Progress = silent) -> RunRecord:
        """One run of some feeds, or of all."""
        return run_feeds(self.settings, NAME, keys or [feed.key for feed in self.feeds], progress=progress)

    def state(self, key: FeedKey, stream: str) -> SliceState:
        """State of a stream."""
        return SliceState(self.scope(key.tenant), StreamKey(key.tenant, key.feed, stream))

    def watermarks(self, key: FeedKey, streams: Sequence[str]) -> dict[str, datetime | None]:
        """How far each stream of a feed has come."""
        return {stream: self.state(key, stream).watermark() for stream in streams}

    def window_end(self, key: FeedKey, stream: str) -> datetime:
        """The end of the window that a stream is being read for."""
        return self._stated(key, stream, "window.json", Planned).window.end

    def was_read(self, key: FeedKey, stream: str, at: datetime) -> None:
        """Make it so that a stream was last read then."""
        told = self._stated(key, stream, "watermark.json", Watermark)
        self._state(key, stream, "watermark.json", told.model_copy(update={"watermark": at.replace(microsecond=0)}))

    def was_listed(self, key: FeedKey, stream: str, at: datetime) -> None:
        """Make it so that a stream's ids, if ever, were last listed then."""
        if self.state(key, stream).listed_at() is not None:
            self._state(key, stream, "listed.json", Listed(token=0, at=at))

    def was_planned(self, key: FeedKey, stream: str, window: Window) -> None:
        """Make it so that a stream's window is planned, and nothing of it is read yet."""
        planned = Planned(token=0, window=window, ingested_at=datetime.now(UTC))
        self._state(key, stream, "window.json", planned)

    def _stated(self, key: FeedKey, stream: str, name: str, kind: type[Stated]) -> Stated:
        found = objects(self.scope(key.tenant)).get(self.state(key, stream).key.prefix + name)
        if found is None:
            raise FileNotFoundError(f"The stream {stream} of {key} has no {name}.")
        return kind.model_validate_json(found[0])

    def _state(self, key: FeedKey, stream: str, name: str, value: Word) -> None:
        objects(self.scope(key.tenant)).write(
            self.state(key, stream).key.prefix + name, value.model_dump_json().encode()
        )

    def keep(self) -> None:
        """Remember the region as it is."""
        shutil.rmtree(self._safe, ignore_errors=True)
        shutil.copytree(self.home, self._safe, symlinks=True)
        with MongoClient[dict[str, Any]](self.uri) as client:
            database = client[self.settings.database]
            self._kept["now"] = {name: list(database[name].find()) for name in database.list_collection_names()}

    def put_back(self) -> None:
        """Make the region what it was when it was last kept."""
        shutil.rmtree(self.home)
        shutil.copytree(self._safe, self.home, symlinks=True)
        with MongoClient[dict[str, Any]](self.uri) as client:
            database, kept = client[self.settings.database], self._kept["now"]
            for name in {*database.list_collection_names(), *kept}:
                database[name].delete_many({})
                if kept.get(name):
                    database[name].insert_many(kept[name])

    def end(self) -> None:
        """Drop all of it."""
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self._safe, ignore_errors=True)
        with MongoClient[dict[str, Any]](self.uri) as client:
            client.drop_database(self.settings.database)

    @property
    def _safe(self) -> Path:
        return self.home.with_name(f"{self.home.name}.kept")


def _seed(feed: Feed) -> Seed:
    tenant = Tenant(name=feed.tenant, organisation=feed.tenant, region=NAME, title=feed.tenant)
    return Seed(tenant=tenant, feeds=(feed,))

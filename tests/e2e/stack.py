"""A shop behind the simulated vendor and the region that reads it: what the tests do to the shop, and what they ask the river."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from sandbox.vendors.shopify.store import ShopWriter
from sandbox.world.spec import WorldSpec
from sandbox.world.truth import Truth
from sandbox.world.wire import instant
from varai import registry
from varai.kernel import FeedKey, Scope
from varai.learning.forget import places
from varai.privacy import ErasureReport
from varai.registry import RunRecord, SliceState, StreamKey
from varai.river.context import Progress, silent
from varai.river.erasure import erase_subject
from varai.river.run import run_feeds
from varai.settings import Settings
from varai.sources import stream_names

SECRET = "s3cret-of-the-shop"
Body = dict[str, Any]


@dataclass(frozen=True)
class Stack:
    """Settings of a home whose shop is behind `vendor`; `shop` is the simulator's own file, `environment` what settings came from."""

    settings: Settings
    environment: Mapping[str, str]
    vendor: str
    shop: Path
    truth: Truth
    home: Path
    spec: WorldSpec
    region: str = "eu"

    @property
    def scope(self) -> Scope:
        """The shop's tenant."""
        return self.settings.scope(self.region, self.spec.name)

    @property
    def key(self) -> FeedKey:
        """The shop's feed."""
        return FeedKey(self.spec.name, "shop")

    def fault(self, **fault: object) -> None:
        """Switch a fault of the vendor on."""
        httpx.post(f"{self.vendor}/{self.spec.name}/_faults", json=fault).raise_for_status()

    def heal(self) -> None:
        """Switch all faults off."""
        httpx.delete(f"{self.vendor}/{self.spec.name}/_faults").raise_for_status()

    def waiting(self) -> list[dict[str, Any]]:
        """Faults that have not struck yet."""
        found = httpx.get(f"{self.vendor}/{self.spec.name}/_faults").raise_for_status().json()
        return list(found["faults"])

    def run(self, *streams: str, progress: Progress = silent) -> RunRecord:
        """One run of the feed, of these streams or of all."""
        return run_feeds(self.settings, self.region, [self.key], streams=streams or None, progress=progress)

    def state(self, stream: str) -> SliceState:
        """State of a stream."""
        return SliceState(self.scope, StreamKey(self.spec.name, "shop", stream))

    def slices(self) -> dict[str, dict[str, Any]]:
        """The most recent slice per stream that was ever read, as `varai status --json` tells it."""
        told = registry.status(self.settings.scope(self.region), {}, stream_names)["slices"]
        return {row["stream"]: row for row in told if row["tenant"] == self.spec.name and row["landed"] is not None}

    def erase(self, subject: str, *, dry_run: bool) -> ErasureReport:
        """Forget a pseudonym of the shop's tenant, or only look where it is."""
        return erase_subject(
            self.settings,
            self.scope,
            subject,
            beyond=places,
            reason="asked by the person",
            dry_run=dry_run,
            holder="test",
            actor="test",
        )

    def ids(self, kind: str) -> set[str]:
        """Ids of the shop's objects of a GraphQL type, from the simulator's own file."""
        with closing(sqlite3.connect(self.shop)) as db:
            return {str(row[0]) for row in db.execute("SELECT num FROM node WHERE type = ?", (kind,))}

    def bodies(self, kind: str) -> dict[str, Body]:
        """Bodies of the shop's objects of a type, by gid, in order of their numbers."""
        with closing(sqlite3.connect(self.shop)) as db:
            rows = db.execute("SELECT gid, body FROM node WHERE type = ? ORDER BY num", (kind,))
            return {gid: json.loads(body) for gid, body in rows}

    def parents(self, kind: str) -> dict[str, str]:
        """The object that each object of a type hangs on, by gid."""
        with closing(sqlite3.connect(self.shop)) as db:
            return dict(db.execute("SELECT gid, parent_gid FROM node WHERE type = ? ORDER BY num", (kind,)))

    def children(self, parents: Sequence[str]) -> dict[str, list[str]]:
        """Variants of products, in their order."""
        with closing(sqlite3.connect(self.shop)) as db:
            sql = "SELECT gid FROM node WHERE parent_gid = ? AND connection = 'variants' ORDER BY position, num"
            return {parent: [row[0] for row in db.execute(sql, (parent,))] for parent in parents}

    def edit(self, change: Callable[[ShopWriter, str], None]) -> None:
        """Let `change` write to the shop; it is given the instant at which the shop says it happened."""
        spec = self.spec
        with ShopWriter(
            self.shop,
            name=spec.name,
            domain=spec.domain,
            currency=spec.currency,
            timezone=spec.timezone,
            created_at=instant(spec.opened),
            client_id=spec.client_id,
            client_secret=SECRET,
            facts={"taxes_included": str(spec.taxes_included).lower(), "weight_unit": "GRAMS"},
        ) as writer:
            change(writer, just_now())

    def touch(self, gids: Sequence[str], **fields: object) -> None:
        """Give objects these fields and a new `updatedAt`."""

        def change(writer: ShopWriter, at: str) -> None:
            for gid in gids:
                rewrite(self.shop, writer, gid, fields, at)

        self.edit(change)

    def delete(self, gid: str) -> None:
        """Remove an object with all below it."""
        self.edit(lambda writer, at: writer.delete(gid, at))


def just_now() -> str:
    """An instant that the next window is sure to hold: windows end at the present second."""
    return instant(datetime.now(UTC) - timedelta(seconds=2))


def rewrite(shop: Path, writer: ShopWriter, gid: str, fields: Mapping[str, object], at: str) -> None:
    """Put a node again with other fields, where it was and born when it was."""
    with closing(sqlite3.connect(shop)) as db:
        kind, body, parent, connection, position, created = db.execute(
            "SELECT type, body, parent_gid, connection, position, created_at FROM node WHERE gid = ?", (gid,)
        ).fetchone()
    writer.put(
        gid,
        kind,
        {**json.loads(body), "updatedAt": at, **fields},
        parent=parent,
        connection=connection,
        position=position,
        created_at=created,
        updated_at=at,
    )

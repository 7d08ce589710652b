"""The judge of a cell: what a fresh feed reads of a shop without any fault, held against the shop's own file."""

from __future__ import annotations

from pathlib import Path

from sandbox.prove.clerk import Clerk
from sandbox.prove.holdings import Rows, holdings, known
from sandbox.prove.region import Region
from varai.kernel import Feed
from varai.privacy import Pseudonyms

_TOLD = 3


class NotRead(Exception):
    """A shop could not be read though nothing was the matter with it; `why` has the sentences."""

    def __init__(self, why: list[str]) -> None:
        super().__init__("; ".join(why))
        self.why = why


class NotTheShop(NotRead):
    """It was read, and what is held is not what the shop's own file has."""


def read_anew(region: Region, keys: Path, name: str, feed: Feed, clerk: Clerk) -> Rows:
    """What a fresh region beside `region`, under another name and with the same keys, comes to hold of a feed.

    Raises NotRead, and NotTheShop where it is not what the clerk finds in the shop's file: a fresh feed may have the same fault as the
    one under test.
    """
    home, database = region.home.with_name(name), f"{region.settings.database}-{name}"
    fresh = Region.begin(home, keys, region.uri, database, [feed], region.drops)
    try:
        if failures := fresh.run().failures:
            raise NotRead([f"A fresh feed could not read {stream}: {said}" for stream, said in failures.items()])
        found = holdings(fresh, feed.key)
    finally:
        fresh.end()
    if doubts := _doubts(region, feed, found, clerk):
        raise NotTheShop(doubts)
    return found


def _doubts(region: Region, feed: Feed, rows: Rows, clerk: Clerk) -> list[str]:
    pseudonyms, told = Pseudonyms(region.scope(feed.tenant)), []
    for name, ids in clerk.census().items():
        wanted = {pseudonyms.of(feed.name, one) for one in ids} if name == "customer" else ids
        came = known(rows, name)
        for what, odd in (("of the shop's file did not come", wanted - came), ("came that it has not", came - wanted)):
            if odd:
                told.append(f"{name}: {len(odd)} {what} ({', '.join(sorted(odd)[:_TOLD])})")
    return told

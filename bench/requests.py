"""Requests that a shop is asked, beside the fewest possible; and how much of what a vendor's rate allows is used when it binds.

A shop of each vendor is read for the first time, again when nothing changed, and again when one in a hundred of its products, orders and
customers did; what was asked stands in the simulator's log. (Between the first two, a run lists all ids, as one does daily.)

The fewest possible are the pages of every list that a vendor gives only so, at the feed's page size, an empty list being a page, and what
has no pages: the shop and its settings. A list that is given for one record alone (WooCommerce's variations, BigCommerce's coupons) is a
request for each record that has one; lists that know no changes (WooCommerce's customers, stock) are read whole. Nothing is counted twice
to prove it, and ids are not listed: what is asked beyond is the price of the proof. Shopify's pages are as large as one query may cost.

Where the rate binds (a bucket of points at Shopify, a quota of requests in a window at BigCommerce), all streams are read at once in small
pages. Used is what was taken of the bucket, full at first, until the last request; or of the quota in whole windows. Ends with 1 where
that is less than 95 %, or where more than one request was refused.

Run: python -m bench.requests [VENDOR ...]
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import structlog

from sandbox import servers
from sandbox.prove.region import Region
from sandbox.prove.rows import ROWS
from sandbox.prove.stage import shop_feed
from sandbox.vendors.records import Records
from sandbox.world.spec import DefectRates, WorldSpec
from varai.kernel import Feed
from varai.settings import FolderSecrets
from varai.sources import stream_names

REPOSITORY: Final = Path(__file__).resolve().parents[1]
LEAST_USED: Final = 0.95
MOST_REFUSED: Final = 1
_SHOP: Final = "shop"
_SPEC: Final = WorldSpec(
    *(_SHOP, "shop.example.com", 5, "EUR", "Europe/Berlin", "DE", "app", "app-secret"),
    products=290,
    orders=570,
    customers=380,
    defects=DefectRates.none(),
)
_LOCATIONS: Final = 3
_SECONDS_TO_FILL: Final = 20
_BOUND_S: Final = 25
_QUOTA, _WINDOW_S = 150, 5
Request = Mapping[str, Any]


@dataclass(frozen=True)
class Came:
    """What a run brought: records per stream and rows per entity, the page size, and requests for lists of one record each."""

    records: Mapping[str, int]
    rows: Mapping[str, int]
    size: int
    single: int

    def pages(self, *counts: int, size: int = 0) -> int:
        """Pages of lists with so many records."""
        return sum(max(1, -(-count // (size or self.size))) for count in counts)


def _woocommerce(came: Came) -> int:
    """Index and two settings; refunds are a list."""
    lists = [came.records[name] for name in ("products", "customers", "orders")]
    return 3 + came.pages(*lists, came.rows["refund"]) + came.single


def _magento(came: Came) -> int:
    """Store and sources; a choice is a product; attributes and categories, where products came."""
    lists = [came.records[name] for name in ("customers", "orders", "stock")]
    products = came.rows["product"] + came.rows["variant"]
    return 2 + came.pages(products, *lists, came.rows["refund"]) + 2 * bool(products)


def _bigcommerce(came: Came) -> int:
    """Store and locations; brands and categories, where products came; stock by location."""
    lists = [came.records[name] for name in ("products", "customers", "orders")]
    stock = [came.records["inventory"] // _LOCATIONS] * _LOCATIONS
    return 2 + came.pages(*lists, *stock, came.rows["refund"]) + 2 * bool(came.records["products"]) + came.single


def _shopify(came: Came) -> int:
    """A token at first, then products' deletes from the vendor's events; the shop; orders that were edited, by their ids."""
    dear = [came.records[name] for name in ("products", "orders")]
    cheap = [came.records[name] for name in ("locations", "customers", "payouts", "disputes")]
    stock = [came.records["inventory"] // _LOCATIONS] * _LOCATIONS
    edits = bool(came.rows["order_edit"])
    return 2 + came.pages(*dear) + came.pages(*cheap, *stock, size=250) + edits


@dataclass(frozen=True)
class Vendor:
    """How a vendor is asked: the largest page of a feed, the fewest requests possible, and what marks a list of one record."""

    size: int
    fewest: Callable[[Came], int]
    single: str = "nothing"


VENDORS: Final[Mapping[str, Vendor]] = {
    "woocommerce": Vendor(100, _woocommerce, "/variations"),
    "magento": Vendor(100, _magento),
    "bigcommerce": Vendor(100, _bigcommerce, "/coupons"),
    "shopify": Vendor(250, _shopify),
}


@dataclass(frozen=True)
class Read:
    """A shop behind its simulator, and the region that reads it."""

    region: Region
    feed: Feed
    shop: Path

    def run(self) -> list[Request]:
        """One run; what it asked. Raises RuntimeError where it failed."""
        httpx.delete(f"{self.feed.base_url}/_requests", trust_env=False).raise_for_status()
        failures = self.region.run().failures
        if failures:
            raise RuntimeError(f"A run failed: {failures}")
        asked: list[Request] = httpx.get(f"{self.feed.base_url}/_requests", trust_env=False).json()["requests"]
        return asked

    def change(self) -> None:
        """Change one in a hundred of its products, orders and customers, each at the beginning of what is read next."""
        clerk = ROWS[self.feed.connector].clerk(self.shop)
        for kind, at in self.region.watermarks(self.feed.key, ("products", "orders", "customers")).items():
            assert at is not None
            for one in clerk.ids(kind)[::100]:
                clerk.touch(kind, one, "Changed", at)
            # What is read next ends with the last second that is over.
            while datetime.now(UTC) < at + timedelta(seconds=1):
                time.sleep(0.05)

    def came(self, vendor: Vendor, asked: Sequence[Request]) -> Came:
        """What the last run brought."""
        records, rows = dict[str, int](), Counter[str]()
        for stream in stream_names(self.feed):
            report = self.region.state(self.feed.key, stream).report()
            assert report is not None
            records[stream] = report.landed
            rows.update({name: counts.mapped for name, counts in report.entities.items()})
        size = max((one["variables"]["first"] for one in asked if _dear(one)), default=vendor.size)
        single = len({one["path"] for one in asked if one.get("path", "").endswith(vendor.single)})
        return Came(records, rows, size, single)


def _dear(one: Request) -> bool:
    """Whether a page of products or orders was asked for, and given."""
    return bool(one.get("cost")) and one.get("fields") in (["products"], ["orders"])


@contextmanager
def read(vendor: str, folder: Path, uri: str, facts: Mapping[str, str], **settings: Any) -> Iterator[Read]:
    """A shop, nothing of it read; `facts` are of the shop, `settings` of the feed."""
    shops = folder / "shops"
    shops.mkdir(parents=True)
    path = shops / f"{_SHOP}.sqlite"
    ROWS[vendor].build(path, _SPEC)
    _set_facts(vendor, path, facts)
    keys = FolderSecrets(folder / "keys")
    keys.create("shop", json.dumps(dict(ROWS[vendor].secret(_SPEC))))
    with servers.simulated(vendor, folder, shops) as url:
        feed = shop_feed(vendor, _SHOP, f"{url}/{_SHOP}", "shop", {"bulk": False, **settings})
        region = Region.begin(folder / "region", folder / "keys", uri, f"requests-{folder.name}", [feed])
        try:
            yield Read(region, feed, path)
        finally:
            region.end()


def _set_facts(vendor: str, path: Path, facts: Mapping[str, str]) -> None:
    if vendor != "shopify":
        with Records(path) as records:
            records.set_facts(facts)
        return
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(facts.items()))


def counted(name: str, folder: Path, uri: str) -> dict[str, tuple[int, int]]:
    """Requests made and the fewest possible, by situation."""
    vendor, found = VENDORS[name], {}
    with read(name, folder / name, uri, {}, page_size=VENDORS[name].size) as made:
        for situation in ("first read", "ids are listed", "nothing changed", "1 % changed"):
            if situation == "1 % changed":
                made.change()
            asked = made.run()
            came = made.came(vendor, asked)
            if situation == "1 % changed" and not came.records["orders"]:
                raise RuntimeError("Nothing came of what was changed.")
            if situation != "ids are listed":
                found[situation] = len(asked), vendor.fewest(came)
    return found


@dataclass(frozen=True)
class Used:
    """How a rate was used: of what was allowed in so many seconds, a share; and requests that were refused."""

    share: float
    refused: int
    seconds: float


def bucket_used(folder: Path, uri: str) -> Used:
    """Of Shopify's bucket; its rate is such that a read takes about _BOUND_S."""
    with read("shopify", folder / "shopify-free", uri, {}, page_size=25) as made:
        points = sum(one.get("cost", 0) for one in made.run())
    rate = points // (_SECONDS_TO_FILL + _BOUND_S)
    with read("shopify", folder / "shopify-bound", uri, {"restore_rate": str(rate)}, page_size=25) as made:
        asked = [one for one in made.run() if one["route"] == "graphql"]
    seconds = (_at(asked[-1]) - _at(asked[0])).total_seconds()
    refused = sum(not one["fields"] for one in asked)
    return Used(sum(one["cost"] for one in asked) / (rate * (_SECONDS_TO_FILL + seconds)), refused, seconds)


def quota_used(folder: Path, uri: str) -> Used:
    """Of BigCommerce's quota, in windows that lie wholly in the read."""
    facts = {"quota": str(_QUOTA), "window_ms": str(_WINDOW_S * 1000)}
    with read("bigcommerce", folder / "bigcommerce-bound", uri, facts, page_size=5) as made:
        asked = made.run()
    windows = Counter(int(_at(one).timestamp()) // _WINDOW_S for one in asked if one["status"] != 429)
    whole = [windows[number] for number in range(min(windows) + 1, max(windows))]
    refused = sum(one["status"] == 429 for one in asked)
    return Used(sum(whole) / (_QUOTA * len(whole)), refused, (_at(asked[-1]) - _at(asked[0])).total_seconds())


RATES: Final[Mapping[str, Callable[[Path, str], Used]]] = {"shopify": bucket_used, "bigcommerce": quota_used}


def _at(one: Request) -> datetime:
    return datetime.fromisoformat(one["at"])


def main() -> int:
    """Print requests and rates; 1 when a rate is not used as far as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vendors", nargs="*", metavar="VENDOR", help=f"of {', '.join(VENDORS)}; all when left out")
    names = parser.parse_args().vendors or list(VENDORS)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    figures: dict[str, Any] = {}
    met = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "documents").mkdir()
        with servers.documents(folder / "documents") as uri:
            print(f"{'requests':<14}{'':<18}{'made':>7}{'fewest':>8}{'x':>7}")
            for vendor in names:
                figures[vendor] = counted(vendor, folder, uri)
                for situation, (made, fewest) in figures[vendor].items():
                    print(f"{vendor:<14}{situation:<18}{made:>7}{fewest:>8}{made / fewest:>7.2f}", flush=True)
            print()
            for vendor in [one for one in names if one in RATES]:
                used = RATES[vendor](folder, uri)
                met &= used.share >= LEAST_USED and used.refused <= MOST_REFUSED
                print(
                    f"{vendor}: {used.share:.1%} of its rate used in {used.seconds:.0f} s (goal: at least {LEAST_USED:.0%}),"
                    f" {used.refused} requests refused (goal: at most {MOST_REFUSED}); load {os.getloadavg()[0]:.1f}",
                    flush=True,
                )
                figures[f"{vendor}, rate"] = {"share": used.share, "refused": used.refused, "seconds": used.seconds}
    kept = REPOSITORY / ".cache" / "bench"
    kept.mkdir(parents=True, exist_ok=True)
    (kept / "requests.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())

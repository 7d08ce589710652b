"""Sunglasses of 37 brands as a Shopify shop (USD, America/New_York). In: DATA. Out: a shop file at one capture, and the
same shop moved to the next capture by updates and deletions, as a busy merchant would.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from sandbox.stores import sunglasses_bodies as bodies
from sandbox.stores.captures import FIRST, SECOND, Pair, read_capture
from sandbox.vendors.shopify.reader import ShopReader
from sandbox.vendors.shopify.store import ShopWriter, write_meta
from sandbox.world.spec import ANCHOR
from sandbox.world.wire import gid, instant

SHOP = "sunglasses"
DOMAIN = "sunglasses.myshopify.example.com"
TIMEZONE = "America/New_York"
CAPTURE_FACT = "capture"


@dataclass(frozen=True)
class Advance:
    """What moved between two captures, in GTINs. `text_only` changed in name, colours or Rx label and nothing else."""

    capture: str
    gtins: int
    added: int = 0
    removed: int = 0
    shared: int = 0
    price_changes: int = 0
    stock_changes: int = 0
    list_price_changes: int = 0
    price_or_stock: int = 0
    text_only: int = 0

    @property
    def changed(self) -> int:
        """Shared GTINs with any change."""
        return self.price_or_stock + self.text_only

    def table(self) -> Table:
        """The report as a table for a terminal."""
        table = Table(title=f"Sunglasses at capture {self.capture}")
        table.add_column("what")
        table.add_column("GTINs", justify="right")
        for what, count in {**asdict(self), "changed": self.changed}.items():
            if what != "capture":
                table.add_row(what.replace("_", " "), f"{count:,}")
        return table


def load(
    path: Path, data: Path, *, client_id: str, client_secret: str, capture: str = FIRST, at: datetime = ANCHOR
) -> Advance:
    """Write the shop at `capture` to `path` (an old file there is replaced); all its rows were last changed `at`."""
    for old in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        old.unlink(missing_ok=True)
    pairs = read_capture(data, capture)
    with _writer(path, client_id, client_secret, capture) as writer:
        place = bodies.location_body()
        writer.put(place["id"], "Location", place, created_at=instant(at), updated_at=instant(at))
        shelf = _Shelf(writer, instant(at))
        for pair in pairs.values():
            shelf.add(pair)
    report = Advance(capture, len(pairs), added=len(pairs))
    _save(path, report)
    return report


def advance(path: Path, data: Path, *, capture: str = SECOND, at: datetime | None = None) -> Advance:
    """Move the shop at `path` from the capture it holds to `capture`, at `at` (now when left out).

    Only what changed gets a new `updatedAt`; what is gone is deleted and leaves a destroy event. The rows of one call
    become visible together with each flush. Raises FileNotFoundError when the shop was not loaded.
    """
    facts = _facts(path)
    before, after = read_capture(data, facts[CAPTURE_FACT]), read_capture(data, capture)
    created = _created(path, before.keys() & after.keys())
    when = instant(at or datetime.now(UTC))
    with _writer(path, facts["client_id"], facts["client_secret"], facts[CAPTURE_FACT]) as writer:
        shelf = _Shelf(writer, when)
        for gtin, pair in after.items():
            if gtin not in before:
                shelf.add(pair)
            elif pair != before[gtin]:
                shelf.change(before[gtin], pair, created[bodies.product_gid(gtin)])
        for gtin in before.keys() - after.keys():
            shelf.remove(gtin)
    write_meta(path, {CAPTURE_FACT: capture})  # last: an advance that was cut off is done again from the same start
    report = compare(capture, before, after)
    _save(path, report)
    return report


def compare(capture: str, before: dict[str, Pair], after: dict[str, Pair]) -> Advance:
    """Count what moved between two captures."""
    shared = [(before[gtin], after[gtin]) for gtin in before.keys() & after.keys()]
    moved = [
        (a, b)
        for a, b in shared
        if a.offer_price != b.offer_price or a.list_price != b.list_price or a.out_of_stock != b.out_of_stock
    ]
    return Advance(
        capture,
        gtins=len(after),
        added=len(after.keys() - before.keys()),
        removed=len(before.keys() - after.keys()),
        shared=len(shared),
        price_changes=sum(a.offer_price != b.offer_price for a, b in shared),
        stock_changes=sum(a.out_of_stock != b.out_of_stock for a, b in shared),
        list_price_changes=sum(a.list_price != b.list_price for a, b in shared),
        price_or_stock=len(moved),
        text_only=sum(a != b for a, b in shared) - len(moved),
    )


def capture_of(path: Path) -> str:
    """The capture that the shop at `path` holds."""
    return _facts(path)[CAPTURE_FACT]


def _facts(path: Path) -> dict[str, str]:
    reader = ShopReader(path)
    try:
        return reader.meta()
    finally:
        reader.close()


def _created(path: Path, gtins: Iterable[str]) -> dict[str, str]:
    """Product gid -> when it was created."""
    reader = ShopReader(path)
    try:
        return {name: row.created_at for name, row in reader.nodes(bodies.product_gid(gtin) for gtin in gtins).items()}
    finally:
        reader.close()


def _writer(path: Path, client_id: str, client_secret: str, capture: str) -> ShopWriter:
    return ShopWriter(
        path,
        name=SHOP,
        domain=DOMAIN,
        currency=bodies.CURRENCY,
        timezone=TIMEZONE,
        created_at=instant(ANCHOR),
        client_id=client_id,
        client_secret=client_secret,
        facts={"taxes_included": "false", CAPTURE_FACT: capture},
    )


def _save(path: Path, report: Advance) -> None:
    rows = {**asdict(report), "changed": report.changed}
    path.with_suffix(".ledger.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


class _Shelf:
    """Writes pairs at one instant."""

    def __init__(self, writer: ShopWriter, when: str) -> None:
        self.writer, self.when = writer, when

    def add(self, pair: Pair) -> None:
        """A pair that was not there before."""
        self._product(pair, self.when)
        self._stock(pair, self.when)

    def change(self, before: Pair, pair: Pair, created: str) -> None:
        """A pair that is there and looks different; its stock is written only when it moved, as the vendor does."""
        self._product(pair, created)
        if before.out_of_stock != pair.out_of_stock:
            self._stock(pair, created)

    def remove(self, gtin: str) -> None:
        """A pair that is gone, with its inventory item."""
        self.writer.delete(bodies.product_gid(gtin), self.when)
        self.writer.delete(gid("InventoryItem", bodies.number(gtin)), self.when)

    def _product(self, pair: Pair, created: str) -> None:
        product, variant, image = bodies.product_body(pair), bodies.variant_body(pair), bodies.image_body(pair)
        put, parent = self.writer.put, product["id"]
        put(parent, "Product", product, created_at=created, updated_at=self.when)
        put(
            variant["id"],
            "ProductVariant",
            variant,
            parent=parent,
            connection="variants",
            position=1,
            created_at=created,
            updated_at=self.when,
        )
        put(
            image["id"],
            "Image",
            image,
            parent=parent,
            connection="images",
            position=1,
            created_at=created,
            updated_at=self.when,
        )

    def _stock(self, pair: Pair, created: str) -> None:
        item, level = bodies.item_body(pair), bodies.stock_gid(pair)
        self.writer.put(item["id"], "InventoryItem", item, created_at=created, updated_at=self.when)
        self.writer.put(
            level,
            "InventoryLevel",
            bodies.level_body(pair),
            parent=item["id"],
            connection="inventoryLevels",
            created_at=created,
            updated_at=self.when,
        )

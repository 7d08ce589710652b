"""The demo on real files: the shops of sandbox/stores, and what moved between the two captures of the sunglasses shop."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from sandbox.stack.flow import flow
from sandbox.stack.layout import Layout
from sandbox.stack.shops import Told, credentials, whole
from sandbox.stack.stored import scopes
from sandbox.stack.up import up
from sandbox.stores import sunglasses, uci
from sandbox.stores.captures import FIRST, SECOND, lists
from sandbox.stores.invoice_lines import archive_in
from varai.kernel import Scope
from varai.marts import Reader
from varai.stores import documents


@dataclass(frozen=True)
class Item:
    """What the catalogue knows of one GTIN."""

    price: Any
    list_price: Any
    stock: tuple[Any, ...]
    batches: frozenset[str]


def demo(layout: Layout, data: Path, console: Console, told: Told) -> tuple[Layout, bool]:
    """Make the shops where they are not there, run the river, move the sunglasses shop on once, run again, report what moved.

    Returns the stack as it is now, and whether all graphs ended well.
    """
    layout = up(layout, lambda made, tell: _make(made, data, console, tell), told)
    place = _region_of(layout, sunglasses.SHOP)
    before = catalogue_of(scopes(layout)[place])
    well = flow(layout, console)
    console.print(_totals(layout))
    path = _shop(layout, sunglasses.SHOP)
    if sunglasses.capture_of(path) == FIRST:
        console.print(_moved("the first capture", before, catalogue_of(scopes(layout)[place])))
        before = catalogue_of(scopes(layout)[place])
        console.print(sunglasses.advance(path, data).table())
        told("the shop has moved to its second capture; running the river again")
        well &= flow(layout, console)
        console.print(_moved("the second capture", before, catalogue_of(scopes(layout)[place])))
    else:
        console.print(
            _moved("this run (the shop stands at its second capture)", before, catalogue_of(scopes(layout)[place]))
        )
    return layout, well


def missing(data: Path) -> list[Path]:
    """Files that the shops are made from and that DATA does not hold."""
    return [path for path in (archive_in(data), *lists(data, FIRST), *lists(data, SECOND)) if not path.exists()]


def catalogue_of(scope: Scope) -> dict[str, Item]:
    """Live items of the sunglasses shop by GTIN, from the catalogue's documents."""
    stock: dict[str, list[tuple[Any, ...]]] = {}
    batches: dict[str, set[str]] = {}
    for level in documents(scope)["inventory_levels"].find(
        {"tenant": sunglasses.SHOP, "inventory_level.deleted": False}
    ):
        row = level["inventory_level"]
        stock.setdefault(row["inventory_item_id"], []).append((row["location_id"], row["available"]))
        batches.setdefault(row["inventory_item_id"], set()).add(row["batch_id"])
    found = {}
    for product in documents(scope)["products"].find({"tenant": sunglasses.SHOP, "product.deleted": False}):
        for variant in product.get("variants", {}).values():
            if variant["deleted"]:
                continue
            item = variant["inventory_item_id"]
            written = frozenset({product["product"]["batch_id"], variant["batch_id"]} | batches.get(item, set()))
            # A list price that equals the offer is not sent as a former price.
            listed = variant["compare_at"] or variant["price"]
            found[variant["gtin"]] = Item(variant["price"], listed, tuple(sorted(stock.get(item, []))), written)
    return found


def _moved(title: str, before: dict[str, Item], after: dict[str, Item]) -> Table:
    """What a run changed, counted from the catalogue before and after it."""
    shared = before.keys() & after.keys()
    known = frozenset(batch for item in before.values() for batch in item.batches)
    written = [gtin for gtin in shared if after[gtin].batches - known]
    moved = [gtin for gtin in shared if _differs(before[gtin], after[gtin], "price", "stock")]
    table = Table(title=f"sunglasses: {title}", title_justify="left", min_width=60)
    table.add_column("in the catalogue")
    table.add_column("GTINs", justify="right")
    for name, count in (
        ("before", len(before)),
        ("after", len(after)),
        ("rows written: new", len(after.keys() - before.keys())),
        ("rows written: changed", len(written)),
        ("... price or stock moved", len(moved)),
        ("... something else only", len(set(written) - set(moved))),
        ("tombstones", len(before.keys() - after.keys())),
        ("offer prices changed", sum(_differs(before[one], after[one], "price") for one in shared)),
        ("list prices changed", sum(_differs(before[one], after[one], "list_price") for one in shared)),
        ("stock changed", sum(_differs(before[one], after[one], "stock") for one in shared)),
    ):
        table.add_row(name, f"{count:,}")
    return table


def _differs(one: Item, other: Item, *names: str) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in names)


def _totals(layout: Layout) -> Table:
    """Lines and gross of the UCI shop as published, beside the control total of the files."""
    scope = scopes(layout)[_region_of(layout, uci.SHOP)]
    table = Table(title="UCI Online Retail as published in fct_order_line", title_justify="left")
    for name in ("lines", "gross GBP", "codes without five digits: lines", "gross GBP"):
        table.add_column(name, justify="right")
    with Reader(scope, layout.home / "cache" / "marts").current(uci.SHOP) as snapshot, duckdb.connect() as con:
        row = con.execute(
            """
            SELECT count(*), sum(gross_minor) / 100, count(*) FILTER (WHERE NOT regexp_matches(sku, '^[0-9]{5}')),
                   sum(gross_minor) FILTER (WHERE NOT regexp_matches(sku, '^[0-9]{5}')) / 100
            FROM read_parquet($path)
            """,
            {"path": str(snapshot.path("fct_order_line"))},
        ).fetchone()
    table.add_row(*(f"{value:,}" if isinstance(value, int) else f"{value:,.2f}" for value in row or ()))
    return table


def _make(layout: Layout, data: Path, console: Console, told: Told) -> None:
    """Write the shops where they are not there yet, printing the ledger of what the files' rules refuse."""
    path = _shop(layout, uci.SHOP)
    if not path.exists():
        told(f"making the shop {uci.SHOP} from {data.name}")
        client, secret = credentials(layout.ring, uci.SHOP)
        console.print(whole(path, partial(uci.load, data=data, client_id=client, client_secret=secret)).table())
    path = _shop(layout, sunglasses.SHOP)
    if not path.exists():
        told(f"making the shop {sunglasses.SHOP} from {data.name}")
        client, secret = credentials(layout.ring, sunglasses.SHOP)
        console.print(whole(path, partial(sunglasses.load, data=data, client_id=client, client_secret=secret)).table())


def _shop(layout: Layout, shop: str) -> Path:
    return layout.shops / _region_of(layout, shop) / "shopify" / f"{shop}.sqlite"


def _region_of(layout: Layout, shop: str) -> str:
    return next(seed.tenant.region for seed in layout.settings.seeds if seed.tenant.name == shop)

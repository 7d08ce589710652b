"""A small seeded world of orders and refunds, staged as the river stages it, loaded and built once for all dbt tests."""

from __future__ import annotations

import io
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from varai.canonical import ENTITIES
from varai.kernel import Scope
from varai.privacy import create_object
from varai.settings import load as load_settings
from varai.warehouse import connect, load
from varai.warehouse.build import BuildReport, build

PROJECT = Path(__file__).resolve().parents[2] / "dbt"
SHOPS: Mapping[str, tuple[str, str, bool, str]] = {
    "brille": ("EUR", "Europe/Berlin", True, "0.19"),
    "lake": ("USD", "America/New_York", False, "0.08875"),
}
Row = dict[str, Any]


@dataclass
class World:
    """Canonical rows by tenant and entity."""

    rows: dict[str, dict[str, list[Row]]] = field(default_factory=dict)

    def add(self, tenant: str, entity: str, **values: Any) -> Row:
        row = dict(values)
        self.rows.setdefault(tenant, {}).setdefault(entity, []).append(row)
        return row


@dataclass(frozen=True)
class Built:
    """A built warehouse, closed, and what it was built from."""

    scope: Scope
    world: World
    report: BuildReport
    target: Path
    logs: Path

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.scope.warehouse, read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The world, loaded and built with the models' unit tests."""
    home = tmp_path_factory.mktemp("dbt-home")
    scope = load_settings({"VARAI_HOME": str(home), "VARAI_STORES__EU__DOCUMENTS_URI": "mongodb://127.0.0.1:1/"}).scope(
        "eu"
    )
    world = _world(random.Random(20260329))
    for tenant, entities in world.rows.items():
        for entity, rows in entities.items():
            _stage(scope, tenant, entity, rows)
    with connect(scope) as warehouse:
        load(scope, warehouse, lambda: None)
    target, logs = home / "target", home / "logs"
    return Built(scope, world, build(scope, PROJECT, target, logs, unit_tests=True), target, logs)


def _stage(scope: Scope, tenant: str, entity: str, rows: Sequence[Row]) -> None:
    schema = ENTITIES[entity].schema()
    ours = {
        "tenant": tenant,
        "feed": "shop",
        "source": "shopify",
        "ingested_at": datetime(2026, 9, 1, tzinfo=UTC),
        "batch_id": "b1",
        "content_hash": "hash",
        "deleted": False,
    }
    filled = [dict.fromkeys(schema.names) | ours | {"root_id": row["source_id"]} | row for row in rows]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(filled, schema=schema), buffer)
    ending = ".parquet.sealed" if ENTITIES[entity].sealed else ".parquet"
    with create_object(scope, f"canonical/{tenant}/{entity}/b1{ending}") as file:
        file.write(buffer.getvalue())


def _world(dice: random.Random) -> World:
    world = World()
    for tenant, (currency, zone, included, _) in SHOPS.items():
        world.add(tenant, "shop", source_id="1", currency=currency, timezone=zone, taxes_included=included)
        for number in range(150):
            _order(world, dice, tenant, f"o{number}")
        _withheld(world, tenant, currency)
        _catalogue(world, tenant, currency)
    # An order that no mapping should have let through: it has no date.
    world.add("broken", "shop", source_id="1", currency="EUR", timezone="Europe/Berlin", taxes_included=True)
    world.add("broken", "order", source_id="o1", currency="EUR", processed_at=None, total_minor=100)
    world.add(
        "broken", "order_line", source_id="l1", order_id="o1", line_kind="product", quantity=1, unit_price=Decimal(1),
        gross_minor=100, currency="EUR",
    )  # fmt: skip
    return world


def _order(world: World, dice: random.Random, tenant: str, order_id: str) -> None:
    currency, _, included, rate_text = SHOPS[tenant]
    rate = Decimal(rate_text)
    at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=dice.randrange(60 * 24 * 60))
    lines = [_line(world, dice, tenant, order_id, number, rate) for number in range(dice.randint(1, 4))]
    shipping = dice.choice([0, 0, 490, 995])
    shipping_tax = _tax(shipping, rate, included)
    tax = sum(line["tax_minor"] for line in lines) + shipping_tax
    net = sum(line["gross_minor"] - line["discount_minor"] for line in lines)
    world.add(
        tenant, "order", source_id=order_id, currency=currency, processed_at=at, test=dice.random() < 0.05,
        subject=dice.choice([None, "p1", "p2"]), taxes_included=included, tax_minor=tax, shipping_minor=shipping,
        discount_minor=sum(line["discount_minor"] for line in lines), total_minor=net + shipping + (0 if included else tax),
        cancelled_at=at if dice.random() < 0.05 else None,
    )  # fmt: skip
    for number in range(dice.choice([0, 0, 0, 1, 2])):
        _refund(world, dice, tenant, order_id, number, at, lines, (shipping, shipping_tax))


def _line(world: World, dice: random.Random, tenant: str, order_id: str, number: int, rate: Decimal) -> Row:
    currency, _, included, _ = SHOPS[tenant]
    quantity, price = dice.randint(1, 5), Decimal(dice.randrange(1, 20_000_000)) / Decimal(100_000)
    gross = _minor(quantity * price * 100)
    discount = dice.choice([0, 0, gross // 7, gross // 3, gross])
    tax = _tax(gross - discount, rate, included)
    line = world.add(
        tenant, "order_line", source_id=f"{order_id}-{number}", order_id=order_id, sku="S", variant_id="v1", product_id="p1",
        line_kind=dice.choice(["product"] * 8 + ["postage", "gift_card"]), quantity=quantity, unit_price=price,
        currency=currency, gross_minor=gross, discount_minor=discount, tax_minor=tax,
    )  # fmt: skip
    world.add(
        tenant, "tax_line", source_id=f"{order_id}-{number}#tax/0", order_id=order_id, line_id=line["source_id"], rate=rate,
        amount_minor=tax, currency=currency,
    )  # fmt: skip
    return line


def _refund(
    world: World,
    dice: random.Random,
    tenant: str,
    order_id: str,
    number: int,
    at: datetime,
    lines: Sequence[Row],
    delivery: tuple[int, int],
) -> None:
    currency, _, included, _ = SHOPS[tenant]
    refund_id, line = f"{order_id}-r{number}", lines[min(number, len(lines) - 1)]
    pieces = dice.randint(1, line["quantity"]) if number < len(lines) else 0
    goods = 0
    if pieces:
        subtotal = _minor(Decimal(line["gross_minor"] - line["discount_minor"]) * pieces / line["quantity"])
        tax = _minor(Decimal(line["tax_minor"]) * pieces / line["quantity"])
        goods = subtotal + (0 if included else tax)
        world.add(
            tenant, "refund_line", source_id=f"{refund_id}-0", refund_id=refund_id, order_id=order_id, line_id=line["source_id"],
            quantity=pieces, subtotal_minor=subtotal, tax_minor=tax, currency=currency,
        )  # fmt: skip
    share = dice.choice([0, 1, 2])
    shipping, shipping_tax = (part // share if share else 0 for part in delivery)
    adjustment, adjustment_tax = dice.choice([(0, 0), (0, 0), (500, 0), (-400, -35)])
    parts: Row = {
        "shipping_minor": shipping, "shipping_tax_minor": shipping_tax, "adjustment_minor": adjustment,
        "adjustment_tax_minor": adjustment_tax,
    }  # fmt: skip
    total = goods + shipping + (0 if included else shipping_tax) + adjustment + adjustment_tax
    said = dice.random() < 0.9
    world.add(
        tenant, "refund", source_id=refund_id, order_id=order_id, currency=currency,
        processed_at=at + timedelta(hours=dice.randrange(1, 900) + 1000 * number),
        total_minor=total + dice.choice([0, 0, 0, 333]), **(parts if said else dict.fromkeys(parts)),
    )  # fmt: skip


def _withheld(world: World, tenant: str, currency: str) -> None:
    """What passed of an order that is in quarantine, and of a line that is."""
    for order_id, total in (("withheld", 5400), ("o1", 0)):
        world.add(
            tenant, "refund", source_id=f"{order_id}-r", order_id=order_id, currency=currency, total_minor=total,
            processed_at=datetime(2026, 3, 2, tzinfo=UTC),
        )  # fmt: skip
        world.add(
            tenant, "refund_line", source_id=f"{order_id}-back", refund_id=f"{order_id}-r", order_id=order_id, quantity=1,
            line_id=f"{order_id}-withheld", subtotal_minor=5000, tax_minor=400, currency=currency,
        )  # fmt: skip


def _catalogue(world: World, tenant: str, currency: str) -> None:
    world.add(tenant, "product", source_id="p1", title="Aviator", score=90.0)
    world.add(tenant, "product", source_id="p2", title="Gone", deleted=True, content_hash=None)
    for variant, product in (("v1", "p1"), ("v2", "p1"), ("v3", "p2")):
        world.add(
            tenant, "variant", source_id=variant, product_id=product, price=Decimal("99.5"), currency=currency,
            inventory_item_id=f"i-{variant}", score=75.0,
        )  # fmt: skip
    for location, available in (("a", 3), ("b", -1)):
        world.add(
            tenant, "inventory_level", source_id=f"i-v1-{location}", inventory_item_id="i-v1", location_id=location,
            available=available, on_hand=4,
        )  # fmt: skip


def _tax(amount: int, rate: Decimal, included: bool) -> int:
    return _minor(amount * rate / (1 + rate)) if included else _minor(amount * rate)


def _minor(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))

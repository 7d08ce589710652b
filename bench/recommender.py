"""Is a recommender worth its CPU? The demo's shops and, where DATA names a folder of real files, the UCI shop.

In: worlds made by `sandbox.world`, and UCI's lines. Out: NDCG@10 of the candidate beside the floor's with the interval of the
difference, and the CPU-seconds that assembling and training took. Run: python -m bench.recommender [DATA]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from bench.measure import Case, compare, save, table
from sandbox.stores.invoice_lines import read_lines
from sandbox.stores.line_kinds import LineKinds, load_rules
from sandbox.world.build import trade
from sandbox.world.demo import shops
from sandbox.world.frames import Product
from varai.learning.assemble import gather
from varai.learning.spec import ModelSpec, specs
from varai.learning.train import train
from varai.learning.words import Dataset, Report, TooLittle

FEED: Final = "shop"
Row = dict[str, Any]

LINES: Final = pa.schema(
    {
        "feed": pa.string(),
        "order_id": pa.string(),
        "line_id": pa.string(),
        "subject": pa.string(),
        "trainable": pa.bool_(),
        "product_id": pa.string(),
        "line_kind": pa.string(),
        "test": pa.bool_(),
        "cancelled": pa.bool_(),
        "processed_at": pa.timestamp("us", "UTC"),
    }
)
PRODUCTS: Final = pa.schema(
    {name: pa.string() for name in ("feed", "product_id", "frame_shape", "rim", "material", "colour")}
    | {name: pa.float64() for name in ("frame_width_mm", "lens_width_mm", "price")}
    | {"gift_card": pa.bool_(), "created_at": pa.timestamp("us", "UTC")}
)
MOST_CPU_S: Final = 10.0
"""Goal for training the UCI shop, CPU-seconds."""

REPOSITORY: Final = Path(__file__).resolve().parents[1]
DEMO: Final = ("northwind-eu", "brillen-haus", "northwind-us", "lakeside-optics")


def run(loaded: tuple[Dataset, ModelSpec]) -> Report:
    """What is measured."""
    return train(*loaded).report


def load_demo(name: str) -> tuple[Dataset, ModelSpec]:
    """A shop of the demo as its marts would show it."""
    spec = next(one for one in shops(lambda shop, _: (shop, "bench")) if one.name == name)
    products, _, sales, _ = trade(spec)
    lines = [
        {
            "feed": FEED,
            "order_id": str(sale.id),
            "line_id": str(line.id),
            "subject": None if sale.guest else f"{sale.buyer.id:032x}",
            "trainable": not sale.guest and sale.buyer.training,
            "product_id": str(line.product.id),
            "line_kind": "gift_card" if line.product.kind == "gift_card" else "product",
            "test": sale.test,
            "cancelled": False,
            "processed_at": sale.when,
        }
        for sale in sales
        for line in sale.lines
    ]
    return _gathered(lines, [row for product in products for row in _variants(product)])


def load_uci(data: str) -> tuple[Dataset, ModelSpec]:
    """UCI Online Retail as its marts would show it: of its products nothing is known but a price."""
    kinds = LineKinds(load_rules("uci"))
    lines: list[Row] = []
    prices: dict[str, float] = {}
    for line in read_lines(Path(data)):
        if line.invoice[0] in "CA" or line.quantity <= 0 or line.price <= 0:
            continue
        prices[line.code] = float(line.price)
        lines.append(
            {
                "feed": FEED,
                "order_id": line.invoice,
                "line_id": str(line.place),
                "subject": None if line.customer is None else f"{line.customer:032x}",
                "trainable": line.customer is not None,
                "product_id": line.code,
                "line_kind": kinds.of(line.code),
                "test": False,
                "cancelled": False,
                "processed_at": line.when,
            }
        )
    products = [
        {"feed": FEED, "product_id": code, "price": price, "gift_card": False} for code, price in prices.items()
    ]
    return _gathered(lines, products)


def _variants(product: Product) -> Iterator[Row]:
    for variant in product.variants:
        yield {
            "feed": FEED,
            "product_id": str(product.id),
            "frame_shape": product.shape or None,
            "rim": product.rim or None,
            "material": product.material or None,
            "colour": variant.colour or None,
            "frame_width_mm": variant.frame_width or None,
            "lens_width_mm": variant.lens_width or None,
            "price": variant.price / 100,
            "gift_card": product.kind == "gift_card",
            "created_at": product.created,
        }


def _gathered(lines: list[Row], products: list[Row]) -> tuple[Dataset, ModelSpec]:
    spec = specs()["recommender"]
    tables = (pa.Table.from_pylist(lines, LINES), pa.Table.from_pylist(products, PRODUCTS))
    found = gather(*tables, frozenset(), spec, snapshot_id="bench", as_of=datetime.now(UTC))
    if isinstance(found, TooLittle):
        raise RuntimeError(found.sentence)
    return found, spec


def line_of(name: str, report: Report) -> str:
    """One shop's judgement."""
    chosen, interval = report.chosen, report.interval
    settings = ", ".join(f"{key} {value:g}" for key, value in chosen.settings.items())
    verdict = "beats the floor" if interval.low > 0 else "the floor stays"
    return (
        f"{name:<16} {report.metric} {report.value:.4f}, floor {report.floor_value:.4f}, difference {report.difference:+.4f}"
        f" [{interval.low:+.4f}, {interval.high:+.4f}]: {verdict}\n{'':<16} {chosen.candidate} ({settings}), prior"
        f" {chosen.prior_weight:g} with half-life {chosen.half_life_days or 0:g} days, likeness {chosen.alike_weight:g};"
        f" recall {report.candidate.recall:.4f}, MRR {report.candidate.mrr:.4f}, coverage {report.candidate.coverage:.2f},"
        f" novelty {report.candidate.novelty:.1f} bits\n{'':<16} {report.subjects:,} subjects, {report.purchases:,} purchases,"
        f" {report.items:,} items; judged {report.judged:,}, on validation {report.judged_validation:,}"
    )


def main() -> int:
    """Print the judgements and what training cost; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", help="folder of real files, such as ../shared/data")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    cases = [Case(name, run, (), partial(load_demo, name)) for name in DEMO]
    if arguments.data:
        cases.append(Case("uci", run, (), partial(load_uci, arguments.data)))
    measured = compare(cases, arguments.rounds)
    print(table(measured, DEMO[0]) + "\n")
    for name, one in measured.items():
        print(line_of(name, one.result))
    save("recommender", measured, REPOSITORY / ".cache" / "bench")
    if "uci" not in measured:
        print("\nThe UCI shop was not trained: give the folder of its files.")
        return 0
    print(f"\ntraining of the UCI shop: {measured['uci'].cpu:.1f} CPU-s (goal: at most {MOST_CPU_S:.0f})")
    return 0 if measured["uci"].cpu <= MOST_CPU_S else 1


if __name__ == "__main__":
    sys.exit(main())

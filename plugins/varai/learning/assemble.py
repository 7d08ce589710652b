"""Assemble what a model learns from. A tenant's published snapshot and its erasure ledger in; a balanced dataset out.

Left out: whoever may not be learned from, and what was no purchase of a product. Returned goods stay in: a return says that a
frame did not fit, not that it did not please.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from varai.kernel import Gone, Malformed, Misconfigured, Scope
from varai.learning import evaluate
from varai.learning.spec import ModelSpec
from varai.learning.words import Dataset, Items, TooLittle
from varai.marts import Reader
from varai.privacy import Ledger

LINES: Final = """
    SELECT "feed", "order_id", "line_id", "subject", "trainable", "product_id", "line_kind", "test", "cancelled", "processed_at"
    FROM "fct_order_line"
"""

PRODUCTS: Final = """
    SELECT "feed", "product_id", "frame_shape", "rim", "material", "colour", "frame_width_mm", "lens_width_mm", "price",
           "gift_card", "created_at"
    FROM "dim_product"
"""

_LAST: Final = """SELECT max("processed_at") AS "last" FROM "fct_order_line" """

MEMORY_LIMIT: Final = "1GB"

REASONS: Final = (
    "guest",
    "erased",
    "no consent to training",
    "test order",
    "cancelled order",
    "not a product",
    "product unknown",
    "gift card",
    "without a date",
    "dated after the snapshot",
)
"""Why a line teaches nothing; of several reasons the first counts."""


def assemble(scope: Scope, spec: ModelSpec, cache_dir: Path) -> Dataset | TooLittle:
    """Read the current snapshot of the scope's tenant and take from it what may be learned from.

    Args:
        scope: of the tenant.
        spec: its `least` and `windows` say how much is enough.
        cache_dir: for copies of the marts; processes may share it.

    Raises:
        Misconfigured: the scope is a whole region's. Gone: nothing was published for the tenant, or not these marts.
        Malformed: the snapshot was published before order lines carried `trainable`.
    """
    if scope.tenant is None:
        raise Misconfigured("A model is trained for one tenant.", "Give the scope of a tenant, not of a region.")
    with Reader(scope, cache_dir).current(scope.tenant) as snapshot:
        if "trainable" not in pq.read_schema(snapshot.path("fct_order_line")).names:
            raise Malformed(
                "The published order lines do not say who may be learned from.",
                "Run transform once; it publishes them anew.",
            )
        lines, products = (snapshot.query(sql, memory_limit=MEMORY_LIMIT) for sql in (LINES, PRODUCTS))
        return gather(lines, products, Ledger(scope).subjects, spec, snapshot_id=snapshot.id, as_of=snapshot.as_of)


def published(scope: Scope, cache_dir: Path) -> str | None:
    """Id of the snapshot that `assemble` would read; None while nothing is published for the scope's tenant."""
    try:
        with Reader(scope, cache_dir).current(str(scope.tenant)) as snapshot:
            return snapshot.id
    except Gone:
        return None


def last_sale(scope: Scope, cache_dir: Path) -> datetime | None:
    """When the last line of the current snapshot was sold, whether or not it teaches; UTC. Of its marts one column is read.

    Raises:
        Misconfigured, Gone: as `assemble` does.
    """
    with Reader(scope, cache_dir).current(str(scope.tenant)) as snapshot:
        found: datetime | None = snapshot.query(_LAST, memory_limit=MEMORY_LIMIT)["last"][0].as_py()
    return found


def gather(
    lines: pa.Table, products: pa.Table, erased: Collection[str], spec: ModelSpec, *, snapshot_id: str, as_of: datetime
) -> Dataset | TooLittle:
    """`assemble` from tables with the columns of LINES and PRODUCTS; equal rows in any order give equal datasets."""
    kept, left_out = _part(lines, products, erased, as_of)
    rows = kept.select(["feed", "order_id", "subject", "product_id", "processed_at"]).to_pydict()
    # One order holds a product once, however many lines or pieces of it.
    bought = {
        (
            rows["subject"][row],
            f"{rows['feed'][row]}/{rows['product_id'][row]}",
            rows["feed"][row],
            rows["order_id"][row],
        ): at
        for row, at in enumerate(_seconds(kept["processed_at"]))
    }
    items = _items(products, {item for _, item, _, _ in bought})
    subjects = tuple(sorted({subject for subject, *_ in bought}))
    of_subject = {subject: code for code, subject in enumerate(subjects)}
    of_item = {item: code for code, item in enumerate(items.ids)}
    purchases = sorted((at, of_subject[subject], of_item[item]) for (subject, item, _, _), at in bought.items())
    columns = np.array(purchases, np.int64).reshape(-1, 3)
    data = Dataset(
        items=items,
        subjects=subjects,
        subject=columns[:, 1].astype(np.int32),
        item=columns[:, 2].astype(np.int32),
        at=columns[:, 0],
        snapshot_id=snapshot_id,
        as_of=as_of,
        left_out=left_out,
        lines=len(lines),
        kept=len(kept),
    )
    return _too_little(data, spec) or data


def _part(
    lines: pa.Table, products: pa.Table, erased: Collection[str], as_of: datetime
) -> tuple[pa.Table, Mapping[str, int]]:
    """The lines that teach, and the count of the others by the first reason that holds."""
    keys = pc.binary_join_element_wise(lines["feed"], lines["product_id"], "/")
    cards = pa.array(sorted({key for key, card in _keyed(products, "gift_card") if card}), pa.string())
    found = {
        "guest": pc.is_null(lines["subject"]),
        "erased": pc.is_in(lines["subject"], value_set=pa.array(sorted(erased), pa.string())),
        "no consent to training": pc.invert(pc.fill_null(lines["trainable"], False)),
        "test order": pc.fill_null(lines["test"], False),
        "cancelled order": pc.fill_null(lines["cancelled"], False),
        "not a product": pc.fill_null(pc.not_equal(lines["line_kind"], "product"), True),
        "product unknown": pc.is_null(lines["product_id"]),
        "gift card": pc.fill_null(pc.is_in(keys, value_set=cards), False),
        "without a date": pc.is_null(lines["processed_at"]),
        # One order of 2035 would put both windows, which end with the last purchase, after all that was sold.
        "dated after the snapshot": pc.fill_null(pc.greater(lines["processed_at"], as_of), False),
    }
    left = np.ones(len(lines), bool)
    counts: Counter[str] = Counter()
    for reason in REASONS:
        holds = np.asarray(found[reason], bool) & left
        counts[reason] = int(holds.sum())
        left &= ~holds
    return lines.filter(pa.array(left)), {reason: counts[reason] for reason in REASONS if counts[reason]}


def _items(products: pa.Table, sold: Collection[str]) -> Items:
    """Everything on offer but gift cards, and everything sold. Where variants differ in a word, the first by alphabet stands."""
    variants: dict[str, list[dict[str, Any]]] = {item: [] for item in sold}
    for key, row in _keyed(products, None):
        if not row["gift_card"]:
            variants.setdefault(key, []).append(row)
    ids = tuple(sorted(variants))
    ordered = [variants[item] for item in ids]
    return Items(
        ids=ids,
        shape=tuple(_word(rows, "frame_shape") for rows in ordered),
        rim=tuple(_word(rows, "rim") for rows in ordered),
        material=tuple(_word(rows, "material") for rows in ordered),
        colours=tuple(tuple(sorted({row["colour"] for row in rows if row["colour"]})) for rows in ordered),
        width_mm=tuple(_median(rows, "frame_width_mm") or _median(rows, "lens_width_mm") for rows in ordered),
        price=tuple(
            min((float(row["price"]) for row in rows if row["price"] is not None), default=None) for rows in ordered
        ),
        created_at=tuple(
            min((row["created_at"] for row in rows if row["created_at"] is not None), default=None) for rows in ordered
        ),
    )


def _keyed(products: pa.Table, column: str | None) -> list[tuple[str, Any]]:
    rows = products.to_pylist()
    return [(f"{row['feed']}/{row['product_id']}", row if column is None else row[column]) for row in rows]


def _word(rows: list[dict[str, Any]], name: str) -> str | None:
    return min((row[name] for row in rows if row[name]), default=None)


def _median(rows: list[dict[str, Any]], name: str) -> float | None:
    known = [float(row[name]) for row in rows if row[name] is not None]
    return float(np.median(known)) if known else None


def _seconds(at: pa.ChunkedArray) -> list[int]:
    """Whole seconds since 1970, rounded down."""
    ticks = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[at.type.unit]
    return [int(value) // ticks for value in pc.cast(at, pa.int64()).to_pylist()]


def _too_little(data: Dataset, spec: ModelSpec) -> TooLittle | None:
    """What is missing, in a sentence; None when it is enough."""
    least, judged = spec.least, 0
    missing = [
        f"{have:,} of at least {need:,} {noun}"
        for have, need, noun in (
            (len(data.subjects), least.subjects, "customers whose purchases may be learned from"),
            (len(data.item), least.purchases, "purchases"),
        )
        if have < need
    ]
    if not missing:
        spans = evaluate.spans(data, spec.windows)
        windows = ((spans.validation_from, spans.test_from), (spans.test_from, None))
        judged = min(len(evaluate.window(data, start, end).rows) for start, end in windows)
        if judged < least.judged:
            missing.append(f"{judged:,} of at least {least.judged:,} returning customers in either of the last windows")
    if not missing:
        return None
    return TooLittle(
        sentence=f"There is too little to learn from yet: {', and '.join(missing)}.",
        subjects=len(data.subjects),
        purchases=len(data.item),
        judged=judged,
        left_out=data.left_out,
        snapshot_id=data.snapshot_id,
    )

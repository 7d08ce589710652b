"""Small models made by hand, and catalogues to go with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from varai import catalogue, registry
from varai.canonical import entity
from varai.kernel import Scope
from varai.learning.bundle import Bundle
from varai.learning.bundled import bundle_of
from varai.learning.likeness import likeness
from varai.learning.recommenders import padded
from varai.learning.words import Choice, Fitted, Items, Neighbours, Trained

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)


def bundle(scope: Scope, items: Sequence[str], bought: Mapping[str, Sequence[int]], **given: Any) -> Bundle:
    """A model of these items: prior by place (the first most), neighbours in a ring, histories as given by pseudonym.

    Args:
        given: fields of Items to replace, `snapshot_id`, or `prior`.
    """
    n = len(items)
    held = Items(
        ids=tuple(items),
        shape=given.get("shape", tuple(("round", "square")[code % 2] for code in range(n))),
        rim=("full",) * n,
        material=("acetate",) * n,
        colours=tuple((("black", "blue", "red")[code % 3],) for code in range(n)),
        width_mm=(130.0,) * n,
        price=tuple(100.0 + code for code in range(n)),
        created_at=given.get("created_at", (datetime(2025, 1, 1, tzinfo=UTC),) * n),
    )
    ring = np.array([[(code + 1) % n] for code in range(n)], np.int32).reshape(n, 1)
    near = Neighbours(ring, np.full((n, 1), 0.5, np.float32))
    prior = np.asarray(given.get("prior", np.linspace(1, 0.1, n)), np.float32)
    fitted = Fitted(Choice("item_knn", {"shrinkage": 10.0}, None, 0.1, 0.2), prior, near, padded(likeness(held)))
    none = Neighbours(np.zeros((n, 0), np.int32), np.zeros((n, 0), np.float32))
    floor = Fitted(Choice("popularity", {}, None, 1.0, 0.0), prior, none, fitted.alike)
    subjects = sorted(bought)
    histories = [sorted(set(bought[one])) for one in subjects]
    trained = Trained(
        model="recommender",
        items=held,
        chosen=floor if given.get("floor") else fitted,
        floor=floor,
        subjects=tuple(subjects),
        starts=np.cumsum([0, *map(len, histories)], dtype=np.int64),
        history=np.array([code for own in histories for code in own], np.int32),
        snapshot_id=given.get("snapshot_id", "snapshot-1"),
        as_of=NOW,
        report=None,  # type: ignore[arg-type]  # bundles do not read it
    )
    return bundle_of(scope, trained)


def stock(scope: Scope, feed: str, products: Mapping[str, int | None], *, run: str = "r1", **given: Any) -> None:
    """Put products on sale, each with one variant and so many pieces; None: deleted. `given` are fields of the products."""
    rows: dict[str, list[dict[str, Any]]] = {"product": [], "variant": [], "inventory_level": []}
    for number, pieces in products.items():
        gone = pieces is None
        sold = {"title": number, "status": "active", "published_at": NOW, "deleted": gone, **given}
        rows["product"].append({"source_id": number, **sold})
        variant = {"product_id": number, "price": Decimal(100), "currency": "EUR", "inventory_item_id": f"i{number}"}
        rows["variant"].append({"source_id": f"v{number}", "deleted": gone, **variant})
        level = {"inventory_item_id": f"i{number}", "location_id": "l", "available": pieces}
        rows["inventory_level"].append({"source_id": f"s{number}", "deleted": gone, **level})
    owner = next(one for one in registry.feeds(scope) if one.tenant == scope.tenant).model_copy(update={"name": feed})
    catalogue.publish(scope, owner, {name: staged(name, scope, feed, some) for name, some in rows.items()}, run_id=run)


def staged(name: str, scope: Scope, feed: str, rows: list[dict[str, Any]], at: datetime | None = None) -> pa.Table:
    """Rows as a slice stages them."""
    kind, at = entity(name), at or datetime.now(UTC)
    given: dict[str, Any] = {field.name: None for field in kind.stored}
    given |= {"tenant": scope.tenant, "feed": feed, "source": "shopify", "source_updated_at": at, "ingested_at": at}
    given |= {"batch_id": "b", "deleted": False, "flags": [], "score": 100.0}
    made = [
        given | {"root_id": row.get("product_id", row["source_id"]), "content_hash": str(row)} | row for row in rows
    ]
    return pa.Table.from_pylist(made, schema=kind.schema())

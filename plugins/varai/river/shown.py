"""What a tenant's snapshot shows of a feed, beside what the warehouse has for it: in go raw tables and marts, out come sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from varai import marts, warehouse
from varai.kernel import FeedKey, Scope, VaraiError
from varai.river import counted


class _Shown(NamedTuple):
    """Where records of an entity can be seen in a snapshot: a row of the mart per child, in which `column` names the record."""

    mart: str
    column: str
    child: str


_SHOWN: Final[Mapping[str, _Shown]] = {
    "product": _Shown("dim_product", "product_id", "variant"),
    "order": _Shown("fct_order_line", "order_id", "order_line"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """Records in the published snapshot; None: no mart of it shows such records, or nothing is published yet."""

    published: int | None = None
    differences: tuple[str, ...] = ()


def shown(scope: Scope, opened: warehouse.Warehouse, key: FeedKey, entity: str) -> Shown:
    """Compare the records of an entity in a feed's snapshot with those the warehouse has for it.

    The snapshot may be behind by what was loaded since its contents were first seen: each such row brings or takes away one
    record at most. A snapshot that cannot be read is a difference too.
    """
    place = _SHOWN.get(entity)
    if place is None:
        return Shown()
    try:
        published = marts.count_published(scope, key, place.mart, place.column)
    except VaraiError as error:
        return Shown(differences=(str(error),))
    if published is None:
        return Shown()
    count, as_of = published
    expected = counted.with_child(opened, key, entity, place.child, place.column)
    since = counted.loaded_since(opened, key.tenant, (entity, place.child), as_of)
    if abs(count - expected) <= since:
        return Shown(count)
    besides = f", though only {since} rows were loaded since" if since else ""
    at = f"{as_of:%Y-%m-%d %H:%M:%S} UTC"
    return Shown(
        count, (f"the warehouse has {expected} for {place.mart}, the snapshot of {at} shows {count}{besides}",)
    )

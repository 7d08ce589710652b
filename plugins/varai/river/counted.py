"""Counts of what the warehouse holds of a feed, in the words of whichever warehouse it is."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from varai.kernel import FeedKey
from varai.warehouse import Warehouse

# Names of tenants, feeds and entities are slugs, so they can stand in the statements as they are.


def live(opened: Warehouse, key: FeedKey, entity: str) -> int:
    """Rows of an entity that are not deleted."""
    return _number(
        opened,
        f"SELECT count(*) FROM {opened.table(entity)} WHERE tenant = '{key.tenant}' AND feed = '{key.feed}' AND NOT deleted",
    )


def with_child(opened: Warehouse, key: FeedKey, entity: str, child: str, column: str) -> int:
    """Those of them that a row of `child` names in `column`."""
    return _number(
        opened,
        f"""
        SELECT count(DISTINCT record.source_id) FROM {opened.table(entity)} AS record
        JOIN {opened.table(child)} AS child
          ON child.tenant = record.tenant AND child.feed = record.feed AND child.{opened.dialect.name(column)} = record.source_id
        WHERE record.tenant = '{key.tenant}' AND record.feed = '{key.feed}' AND NOT record.deleted AND NOT child.deleted
        """,
    )


def loaded_since(opened: Warehouse, tenant: str, entities: Collection[str], instant: datetime) -> int:
    """Rows of a tenant's entities that were merged after an instant."""
    names = ", ".join(f"'{name}'" for name in entities)
    return _number(
        opened,
        f"""
        SELECT coalesce(sum(loads.{opened.dialect.name("rows")}), 0) FROM {opened.table("loads")} AS loads
        WHERE loads.tenant = '{tenant}' AND loads.entity IN ({names}) AND loads.loaded_at > {opened.dialect.instant(instant)}
        """,
    )


def _number(opened: Warehouse, statement: str) -> int:
    return int(opened.rows(statement)[0][0])

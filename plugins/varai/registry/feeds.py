"""Tenants and feeds of a region, in MongoDB. On a laptop they are seeded from config/tenants/*.toml."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pymongo import ReplaceOne

from varai.kernel import Feed, FeedKey, Misconfigured, Scope, Tenant
from varai.settings import Seed
from varai.stores import documents


def ensure_indexes(scope: Scope) -> None:
    """Create the registry's indexes; safe to repeat."""
    database = documents(scope)
    database["feeds"].create_index([("connector", 1), ("tenant", 1)])
    database["runs"].create_index([("started_at", -1)])


def seed(scope: Scope, seeds: Iterable[Seed]) -> int:
    """Write the seeds of this region; what an operator changed since (paused, state) is kept. Returns how many tenants."""
    database = documents(scope)
    mine = [one for one in seeds if one.tenant.region == scope.region]
    for one in mine:
        database["tenants"].replace_one({"_id": one.tenant.name}, _document(one.tenant), upsert=True)
        database["organisations"].update_one(
            {"_id": one.tenant.organisation}, {"$addToSet": {"tenants": one.tenant.name}}, upsert=True
        )
        paused = {found["_id"] for found in database["feeds"].find({"tenant": one.tenant.name, "paused": True})}
        for feed_ in one.feeds:
            kept = feed_.model_copy(update={"paused": feed_.paused or str(feed_.key) in paused})
            database["feeds"].replace_one({"_id": str(feed_.key)}, _document(kept), upsert=True)
    return len(mine)


def put_feed(scope: Scope, value: Feed) -> None:
    """Create or replace one feed."""
    documents(scope)["feeds"].bulk_write([ReplaceOne({"_id": str(value.key)}, _document(value), upsert=True)])


def tenants(scope: Scope) -> tuple[Tenant, ...]:
    """Every tenant of the region, by name."""
    return tuple(Tenant(**_word(found)) for found in documents(scope)["tenants"].find().sort("_id"))


def feeds(scope: Scope, connector: str | None = None) -> tuple[Feed, ...]:
    """Feeds of the scope's tenant, or of the region; of one connector, or all."""
    query: dict[str, Any] = {}
    if connector is not None:
        query["connector"] = connector
    if scope.tenant is not None:
        query["tenant"] = scope.tenant
    return tuple(Feed(**_word(found)) for found in documents(scope)["feeds"].find(query).sort("_id"))


def feed(scope: Scope, key: FeedKey) -> Feed:
    """One feed; raises Misconfigured, naming those that exist."""
    found = documents(scope)["feeds"].find_one({"_id": str(key)})
    if found is None:
        known = ", ".join(str(one.key) for one in feeds(scope)) or "none"
        raise Misconfigured(
            f"There is no feed '{key}' in region '{scope.region}', known: {known}.", "Name one of these."
        )
    return Feed(**_word(found))


def _document(word: Tenant | Feed) -> dict[str, Any]:
    return word.model_dump(mode="json")


def _word(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != "_id"}

"""Tenants and feeds of a region, in MongoDB. On a laptop they are seeded from config/tenants/*.toml."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pymongo import ReplaceOne

from varai.kernel import Feed, FeedKey, Misconfigured, Scope, Tenant
from varai.settings import Seed
from varai.stores import documents
from varai.stores.documents import Documents


def seed(scope: Scope, seeds: Iterable[Seed]) -> int:
    """Write the seeds of this region; what an operator changed since (paused, state) is kept. Returns how many tenants."""
    database = documents(scope)
    mine = _of_region(scope, seeds)
    for one in mine:
        database["organisations"].update_one(
            {"_id": one.tenant.organisation}, {"$addToSet": {"tenants": one.tenant.name}}, upsert=True
        )
        for collection, name, document in _documents(database, one):
            database[collection].replace_one({"_id": name}, document, upsert=True)
    return len(mine)


def unseeded(scope: Scope, seeds: Iterable[Seed]) -> list[str]:
    """What `seed` would change now, a sentence each; keys are named, values are not."""
    database = documents(scope)
    changes = []
    for one in _of_region(scope, seeds):
        tenant, organisation = one.tenant.name, one.tenant.organisation
        if database["organisations"].find_one({"_id": organisation, "tenants": tenant}) is None:
            changes.append(f"add the tenant {tenant} to the organisation {organisation}")
        for collection, name, document in _documents(database, one):
            kind, found = collection.removesuffix("s"), database[collection].find_one({"_id": name})
            if found is None:
                changes.append(f"add the {kind} {name}")
            elif moved := _moved(_word(found), document):
                changes.append(f"change the {kind} {name}: {', '.join(moved)}")
    return changes


def _of_region(scope: Scope, seeds: Iterable[Seed]) -> list[Seed]:
    return [one for one in seeds if one.tenant.region == scope.region]


def _documents(database: Documents, one: Seed) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Collection, id and content of what a seed writes."""
    yield "tenants", one.tenant.name, _document(one.tenant)
    paused = {found["_id"] for found in database["feeds"].find({"tenant": one.tenant.name, "paused": True})}
    for feed_ in one.feeds:
        kept = feed_.model_copy(update={"paused": feed_.paused or str(feed_.key) in paused})
        yield "feeds", str(feed_.key), _document(kept)


def _moved(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    nothing = object()
    return sorted(key for key in {*found, *wanted} if found.get(key, nothing) != wanted.get(key, nothing))


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


def find_feed(scope: Scope, key: FeedKey) -> Feed | None:
    """One feed; None where there is none of that name."""
    found = documents(scope)["feeds"].find_one({"_id": str(key)})
    return Feed(**_word(found)) if found else None


def feed(scope: Scope, key: FeedKey) -> Feed:
    """One feed; raises Misconfigured, naming those that exist."""
    found = find_feed(scope, key)
    if found is None:
        known = ", ".join(str(one.key) for one in feeds(scope)) or "none"
        raise Misconfigured(
            f"There is no feed '{key}' in region '{scope.region}', known: {known}.", "Name one of these."
        )
    return found


def _document(word: Tenant | Feed) -> dict[str, Any]:
    return word.model_dump(mode="json")


def _word(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != "_id"}

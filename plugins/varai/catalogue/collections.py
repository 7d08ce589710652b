"""Where the catalogue keeps what: collections, paths inside documents and every index, declared here alone.

A document holds parts; each part is one canonical row. `products` holds a product with its variants and images as maps
by id, and lists what lies in them; the other collections hold one part each. `_id` is "<tenant>/<feed>/<source_id>".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymongo import ASCENDING, IndexModel

from varai.kernel import FeedKey, Misconfigured, Scope
from varai.stores import Indexes, create_indexes

COLLECTIONS: Mapping[str, str] = {
    "product": "products",
    "variant": "products",
    "image": "products",
    "inventory_level": "inventory_levels",
    "location": "locations",
    "shop": "shops",
}
"""Entity -> collection."""

MAPS: Mapping[str, str] = {"variant": "variants", "image": "images"}
"""Entities kept inside the document of their product, as maps by id."""

HELD = "held"
"""Field of a document that lists what its maps have, or had, as `held_name` writes it: by its index a row is found."""

VERSIONS = "catalogue_versions"
_BY_OWNER = IndexModel([("tenant", ASCENDING), ("feed", ASCENDING)])
INDEXES: Indexes = {
    "products": (_BY_OWNER, IndexModel([("tenant", ASCENDING), ("_id", ASCENDING)]), IndexModel([(HELD, ASCENDING)])),
    "inventory_levels": (_BY_OWNER,),
    "locations": (_BY_OWNER,),
    "shops": (_BY_OWNER,),
}


def ensure_indexes(scope: Scope) -> None:
    """Create the indexes; those that exist stay."""
    create_indexes(scope, INDEXES)


def holds(entity: str) -> bool:
    """Whether rows of the entity are in the catalogue: what a shop sells, and where. Sales and the shop's own books are not."""
    return entity in COLLECTIONS


def collection_of(entity: str) -> str:
    """The collection of an entity; raises Misconfigured for one the catalogue does not hold."""
    try:
        return COLLECTIONS[entity]
    except KeyError as error:
        raise Misconfigured(f"The catalogue does not hold '{entity}', only {', '.join(COLLECTIONS)}.") from error


def document_id(tenant: str, feed: str, source_id: str) -> str:
    """`_id` of a document."""
    return f"{tenant}/{feed}/{source_id}"


def path_of(entity: str, source_id: str) -> str:
    """Where the part lies inside its document."""
    return f"{MAPS[entity]}.{safe_name(source_id)}" if entity in MAPS else entity


def held_name(key: FeedKey, path: str) -> str:
    """A path inside maps as HELD lists it. It names its feed: asked for both, the embedded server would look at all of the feed."""
    return f"{key}/{path}"


def in_maps(path: str) -> bool:
    """Whether a part lies in one of the maps of its document."""
    return "." in path


def safe_name(source_id: str) -> str:
    """A vendor's id as a field's name: MongoDB gives dots and dollars a meaning."""
    return source_id.replace("%", "%25").replace(".", "%2E").replace("$", "%24").replace("\x00", "%00")


def plain_name(name: str) -> str:
    """The vendor's id that `safe_name` made into a field's name."""
    return name.replace("%00", "\x00").replace("%24", "$").replace("%2E", ".").replace("%25", "%")


def parts_of(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Every part of a document by its path."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in document.items():
        if name in MAPS.values():
            found |= {f"{name}.{key}": part for key, part in value.items()}
        elif name in COLLECTIONS:
            found[name] = value
    return found


def owned_by(scope: Scope) -> dict[str, str]:
    """A filter on the scope's tenant; of a whole region, on nothing."""
    return {"tenant": scope.tenant} if scope.tenant else {}

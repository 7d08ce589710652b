"""The store's record of itself, without the person it names as its contact, and the locations that hold its stock.

https://developer.bigcommerce.com/docs/rest-management/store-information, https://developer.bigcommerce.com/docs/rest-management/inventory
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from varai.kernel import Malformed
from varai.sources.bigcommerce.client import Client
from varai.sources.bigcommerce.lists import LOCATIONS, Listing
from varai.sources.decoding import told
from varai.sources.proof import Proof


class _Zone(msgspec.Struct):
    name: str = ""


class _Store(msgspec.Struct):
    id: str
    name: str = ""
    domain: str = ""
    country_code: str = ""
    currency: str = ""
    plan_name: str = ""
    timezone: _Zone = msgspec.field(default_factory=_Zone)
    is_price_entered_with_tax: bool | None = None


class _Address(msgspec.Struct):
    country_code: str | None = None


class Location(msgspec.Struct):
    """Where stock lies."""

    id: int
    label: str | None = None
    enabled: bool | None = None
    address: _Address | None = None


def site(client: Client, at: datetime) -> tuple[str, msgspec.Raw]:
    """The store's id and the store as one JSON object: id, name, domain, timezone, currency, country, plan, prices_include_tax, and since
    when this is known.
    """
    store = client.get("v2/store", {}, _Store)
    if store is None:
        raise Malformed("BigCommerce tells nothing of the store.")
    record = {
        "id": store.id,
        "name": store.name,
        "domain": store.domain,
        "timezone": store.timezone.name,
        "currency": store.currency,
        "country": store.country_code,
        "plan": store.plan_name,
        "prices_include_tax": store.is_price_entered_with_tax,
        "seen_at": at.isoformat(),
    }
    return store.id, msgspec.Raw(msgspec.json.encode(record))


def locations(client: Client) -> list[Location]:
    """Where stock lies: every store has one place at least."""
    pages = Proof(Listing(client, LOCATIONS)).pages()
    return [told(record.node, Location) for records in pages for record in records]


def place(found: Location) -> msgspec.Raw:
    """What is landed of a location: no telephone number of who works there."""
    country = found.address.country_code if found.address else None
    record = {"location_id": found.id, "name": found.label, "enabled": found.enabled, "country": country}
    return msgspec.Raw(msgspec.json.encode(record))

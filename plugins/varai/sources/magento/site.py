"""The shop's record of itself, made of the configurations of its stores, and the sources that hold its stock.

https://developer.adobe.com/commerce/webapi/rest/ (store/storeConfigs, inventory/sources)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

import msgspec

from varai.kernel import Gone, Malformed
from varai.sources.magento.client import Client
from varai.sources.magento.lists import SOURCES, Numbered
from varai.sources.proof import Proof


class Store(msgspec.Struct):
    """One store's configuration."""

    id: int
    code: str = ""
    locale: str = ""
    base_currency_code: str = ""
    timezone: str = ""
    base_url: str = ""
    base_media_url: str = ""


def stores(client: Client) -> Sequence[Store]:
    """The stores of the shop, the feed's own (setting `store`) first, then by their numbers. Raises Malformed where there are none."""
    own = client.session.feed.settings.get("store")
    found = client.get("store/storeConfigs", {}, list[Store])
    if not found:
        raise Malformed("Magento tells of no store.")
    return sorted(found, key=lambda one: (one.code != own, one.id))


def media(client: Client) -> str:
    """Where pictures of products lie."""
    return f"{stores(client)[0].base_media_url.rstrip('/')}/catalog/product"


def site(client: Client, at: datetime) -> tuple[str, msgspec.Raw]:
    """The shop's id and the shop as one JSON object: id, name, url, timezone, currency, country, and since when this is known."""
    store = stores(client)[0]
    url = urlsplit(store.base_url)
    name = f"{url.netloc}{url.path}".rstrip("/") or "shop"
    record = {
        "id": name,
        "name": url.hostname or store.code,
        "url": store.base_url,
        "timezone": store.timezone,
        "currency": store.base_currency_code,
        "country": store.locale.rpartition("_")[2],
        "seen_at": at.isoformat(),
    }
    return name, msgspec.Raw(msgspec.json.encode(record))


def sources(client: Client) -> list[msgspec.Raw]:
    """Where stock is kept; nothing where the shop has no inventory of several sources."""
    try:
        return [record.node for records in Proof(Numbered(client, SOURCES)).pages() for record in records]
    except Gone:
        return []

"""The shop's record of itself, made of the site's index and its settings: WordPress has no such resource.

https://developer.wordpress.org/rest-api/extending-the-rest-api/routes-and-endpoints/ (the index)
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from varai.kernel import Malformed
from varai.sources.woocommerce.client import API, Client


class Index(msgspec.Struct):
    """What the site says of itself."""

    name: str = ""
    url: str = ""
    timezone_string: str = ""
    gmt_offset: str | float = 0
    namespaces: list[str] = []


class _Setting(msgspec.Struct):
    id: str
    value: Any = None


def index(client: Client) -> Index:
    """The site's index."""
    return client.get("", {}, Index)[0]


def site(client: Client, at: datetime) -> msgspec.Raw:
    """The shop as one JSON object: id, name, url, timezone, currency, country, prices_include_tax, and since when this is known."""
    found = index(client)
    general, tax = _settings(client, "general"), _settings(client, "tax")
    url = urlsplit(found.url)
    record = {
        "id": f"{url.netloc}{url.path}".rstrip("/") or "shop",
        "name": found.name,
        "url": found.url,
        "timezone": _zone(found),
        "currency": general.get("woocommerce_currency"),
        "country": general.get("woocommerce_default_country", "").partition(":")[0],
        "prices_include_tax": tax.get("woocommerce_prices_include_tax"),
        "seen_at": at.isoformat(),
    }
    return msgspec.Raw(msgspec.json.encode(record))


def _settings(client: Client, group: str) -> dict[str, str]:
    settings, _ = client.get(f"{API}/settings/{group}", {}, list[_Setting])
    return {one.id: one.value for one in settings if isinstance(one.value, str)}


def _zone(found: Index) -> str:
    """The site's IANA zone. Raises Malformed where it has but an offset that is not of whole hours, which is no zone."""
    if found.timezone_string:
        return found.timezone_string
    hours = float(found.gmt_offset or 0)
    if not hours.is_integer():
        raise Malformed(
            f"The site's clock is {hours:+g} hours from UTC, and it names no zone.",
            "Choose a city as the time zone in WordPress: Settings, General.",
        )
    return f"Etc/GMT{-int(hours):+d}" if hours else "Etc/GMT"

"""The name by which Shopify knows a feed's shop, `<shop>.myshopify.com`: it stands in what Shopify signs."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from varai.kernel import Feed

# https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant, "security checks"
_DOMAIN: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\.myshopify\.com", re.ASCII)


def shop_domain(feed: Feed, base_url: str) -> str | None:
    """The feed's setting `shop_domain`, or the host of its address; None where that is no shop's of Shopify's."""
    given = str(feed.settings.get("shop_domain") or urlsplit(base_url).hostname or "").lower()
    return given if _DOMAIN.fullmatch(given) else None

"""Who asks: Basic over TLS, OAuth 1.0a without (RFC 5849, one-legged, HMAC-SHA256), always in a header and never in an address.

https://woocommerce.github.io/woocommerce-rest-api-docs/#authentication
"""

from __future__ import annotations

import base64

from varai.sources.oauth import signed


def authorisation(url: str, key: str, secret: str) -> str:
    """The Authorization header of a GET of `url`, its query included. Raises Misconfigured for a key that cannot be signed with."""
    if url.startswith("https://"):
        return "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()
    return signed(url, key, secret)

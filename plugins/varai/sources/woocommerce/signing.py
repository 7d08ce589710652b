"""Who asks: Basic over TLS, OAuth 1.0a without (RFC 5849, one-legged, HMAC-SHA256), always in a header and never in an address.

https://woocommerce.github.io/woocommerce-rest-api-docs/#authentication
"""

from __future__ import annotations

import base64

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, Client

from varai.kernel import Misconfigured


def authorisation(url: str, key: str, secret: str) -> str:
    """The Authorization header of a GET of `url`, its query included. Raises Misconfigured for a key that cannot be signed with."""
    if url.startswith("https://"):
        return "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()
    try:
        _, headers, _ = Client(key, client_secret=secret, signature_method=SIGNATURE_HMAC_SHA256).sign(url)
    except ValueError:
        # Not chained: it quotes the address and the key.
        raise Misconfigured(
            "A request cannot be signed with the feed's consumer key.", "Look at the feed's secret and base_url."
        ) from None
    return str(headers["Authorization"])

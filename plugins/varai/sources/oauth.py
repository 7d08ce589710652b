"""Requests signed by OAuth 1.0a (RFC 5849, HMAC-SHA256), in a header and never in an address."""

from __future__ import annotations

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, Client

from varai.kernel import Misconfigured


def signed(url: str, key: str, key_secret: str, token: str | None = None, token_secret: str | None = None) -> str:
    """The Authorization header of a GET of `url`, its query included; without a token it is one-legged.

    Raises Misconfigured for a key that cannot be signed with.
    """
    client = Client(
        key,
        client_secret=key_secret,
        resource_owner_key=token,
        resource_owner_secret=token_secret,
        signature_method=SIGNATURE_HMAC_SHA256,
    )
    try:
        _, headers, _ = client.sign(url)
    except ValueError:
        # Not chained: it quotes the address and the key.
        raise Misconfigured(
            "A request cannot be signed with the feed's consumer key.", "Look at the feed's secret and base_url."
        ) from None
    return str(headers["Authorization"])

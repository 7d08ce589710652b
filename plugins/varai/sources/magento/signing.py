"""Who asks: an integration, by OAuth 1.0a with four secrets (RFC 5849, HMAC-SHA256), or by its access token where it is taken as a Bearer.

Always in a header and never in an address. https://developer.adobe.com/commerce/webapi/get-started/authentication/gs-authentication-oauth/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, Client

from varai.kernel import Misconfigured

SIGNED: Final = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
SECRET_FIELDS: Final = (SIGNED, ("access_token",))


def authorisation(url: str, secret: Mapping[str, str]) -> str:
    """The Authorization header of a GET of `url`, its query included. Raises Misconfigured for a secret that cannot be signed with."""
    if secret.keys() & set(SIGNED) == {"access_token"}:
        return f"Bearer {secret['access_token']}"
    if not secret.keys() >= set(SIGNED):
        raise Misconfigured(
            "The feed's secret has some of the four values of an integration, not all.",
            f"Write {', '.join(SIGNED)} into it, or access_token alone.",
        )
    key, key_secret, token, token_secret = (secret[name] for name in SIGNED)
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

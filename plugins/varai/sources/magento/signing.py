"""Who asks: an integration, by OAuth 1.0a with four secrets (RFC 5849, HMAC-SHA256), or by its access token where it is taken as a Bearer.

Always in a header and never in an address. https://developer.adobe.com/commerce/webapi/get-started/authentication/gs-authentication-oauth/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from varai.kernel import Misconfigured
from varai.sources.oauth import signed

SIGNED: Final = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
INTEGRATION: Final = (SIGNED, ("access_token",))


def authorisation(url: str, secret: Mapping[str, str]) -> str:
    """The Authorization header of a GET of `url`, its query included. Raises Misconfigured for a secret that cannot be signed with."""
    if secret.keys() & set(SIGNED) == {"access_token"}:
        return f"Bearer {secret['access_token']}"
    if not secret.keys() >= set(SIGNED):
        raise Misconfigured(
            "The feed's secret has some of the four values of an integration, not all.",
            f"Write {', '.join(SIGNED)} into it, or access_token alone.",
        )
    return signed(url, *(secret[name] for name in SIGNED))

"""Who asks: the shop's consumer key, by Basic over TLS or by a signature of OAuth 1.0a without, as WooCommerce judges it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from sandbox.vendors.oauth import signed


def known(header: str, url: str, parameters: Mapping[str, str], facts: Mapping[str, str]) -> bool:
    """Whether an Authorization header proves the key and secret among a shop's facts for a GET of this address."""
    key, secret = facts["consumer_key"], facts["consumer_secret"]
    scheme, _, rest = header.partition(" ")
    if scheme == "Basic":
        # Without TLS WooCommerce does not look at it.
        return url.startswith("https://") and _decoded(rest) == f"{key}:{secret}"
    return signed(header, url, parameters, (key, secret))


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""

"""Who asks: the shop's consumer key, by Basic over TLS or by a signature of OAuth 1.0a without (RFC 5849), as WooCommerce judges it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

_PAIR = re.compile(r'(\w+)="([^"]*)"')
_HASHES = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}


def known(header: str, url: str, parameters: Mapping[str, str], facts: Mapping[str, str]) -> bool:
    """Whether an Authorization header proves the key and secret among a shop's facts for a GET of this address."""
    key, secret = facts["consumer_key"], facts["consumer_secret"]
    scheme, _, rest = header.partition(" ")
    if scheme == "Basic":
        # Without TLS WooCommerce does not look at it.
        return url.startswith("https://") and _decoded(rest) == f"{key}:{secret}"
    if scheme != "OAuth":
        return False
    given = {name: unquote(value) for name, value in _PAIR.findall(rest)}
    signature, method = given.pop("oauth_signature", ""), given.get("oauth_signature_method", "")
    if given.get("oauth_consumer_key") != key or method not in _HASHES:
        return False
    pairs = sorted((_escaped(name), _escaped(value)) for name, value in {**parameters, **given}.items())
    base = "&".join(("GET", _escaped(url), _escaped("&".join(f"{name}={value}" for name, value in pairs))))
    digest = hmac.new(f"{secret}&".encode(), base.encode(), _HASHES[method]).digest()
    return hmac.compare_digest(base64.b64encode(digest).decode(), signature)


def _escaped(text: str) -> str:
    return quote(text, safe="-._~")


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""

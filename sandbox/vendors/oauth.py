"""Whether a request is signed by OAuth 1.0a (RFC 5849, HMAC), as vendors judge it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

_PAIR = re.compile(r'(\w+)="([^"]*)"')
_HASHES = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}


def signed(
    header: str,
    url: str,
    parameters: Mapping[str, str],
    consumer: tuple[str, str],
    token: tuple[str, str] = ("", ""),
    methods: frozenset[str] = frozenset(_HASHES),
) -> bool:
    """Whether an Authorization header signs a GET of this address.

    Args:
        header: the header.
        url: the address without its query.
        parameters: the query's.
        consumer: key and secret.
        token: a token and its secret; without one, a request that names none.
        methods: the ways of signing that are taken.
    """
    scheme, _, rest = header.partition(" ")
    if scheme != "OAuth":
        return False
    given = {name: unquote(value) for name, value in _PAIR.findall(rest)}
    signature, method = given.pop("oauth_signature", ""), given.get("oauth_signature_method", "")
    if given.get("oauth_consumer_key") != consumer[0] or given.get("oauth_token", "") != token[0]:
        return False
    if method not in methods:
        return False
    pairs = sorted((_escaped(name), _escaped(value)) for name, value in {**parameters, **given}.items())
    base = "&".join(("GET", _escaped(url), _escaped("&".join(f"{name}={value}" for name, value in pairs))))
    key = f"{_escaped(consumer[1])}&{_escaped(token[1])}"
    digest = hmac.new(key.encode(), base.encode(), _HASHES[method]).digest()
    return hmac.compare_digest(base64.b64encode(digest).decode(), signature)


def _escaped(text: str) -> str:
    return quote(text, safe="-._~")

"""Keyed pseudonyms: a vendor's customer id in, 32 hex digits out that mean nothing without the tenant's key."""

from __future__ import annotations

import hmac
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from varai.kernel import Feed, FeedKey, Scope
from varai.privacy.keys import pseudonym_key, tenant_of

AnyFeed = Feed | FeedKey | str
"""A feed, its key, or its bare name where the scope already says the tenant."""

_SUBJECT = b"subject"
_CONTENT = b"content"


def feed_name(feed: AnyFeed) -> str:
    """The feed's bare name."""
    if isinstance(feed, Feed):
        return feed.name
    return feed.feed if isinstance(feed, FeedKey) else feed


class Pseudonyms:
    """HMAC-SHA256 under the pseudonym key of the scope's tenant, cut to 128 bits, one domain per use.

    The same person at two feeds of a tenant has two pseudonyms; joining them is matching's work, not naming's.
    Raises Misconfigured in the scope of a whole region.
    """

    def __init__(self, scope: Scope) -> None:
        self._key = pseudonym_key(scope, tenant_of(scope))

    def of(self, feed: AnyFeed, vendor_id: str) -> str:
        """The pseudonym of a subject, from the id the vendor gives it."""
        return self._digest(_SUBJECT, feed_name(feed), vendor_id)

    def column(self, feed: AnyFeed, ids: pa.Array) -> pa.Array:
        """Pseudonyms of a column of vendor ids (string -> string, null stays null); each distinct id is hashed once."""
        name = feed_name(feed)
        return _each(ids, lambda vendor_id: self._digest(_SUBJECT, name, vendor_id))

    def fingerprint(self, value: str) -> str:
        """A keyed hash for telling whether a personal value changed, without giving it away."""
        return self._digest(_CONTENT, "", value)

    def fingerprints(self, hashes: pa.Array) -> pa.Array:
        """Content hashes of personal rows under the tenant's key, so that nobody can test guesses against them."""
        return _each(hashes, self.fingerprint)

    def _digest(self, domain: bytes, feed: str, value: str) -> str:
        message = b"\x00".join((domain, feed.encode(), value.encode()))
        return hmac.digest(self._key, message, "sha256").hex()[:32]


def _each(values: pa.Array, digest: Callable[[str], str]) -> pa.Array:
    encoded = pc.dictionary_encode(pc.cast(values, pa.string()))
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    named = pa.array([digest(value) for value in encoded.dictionary.to_pylist()], pa.string())
    return named.take(encoded.indices)

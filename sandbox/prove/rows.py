"""The rows of the matrix: how a shop of each connector is made, changed, and aimed at by faults. A connector joins by its entry here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.prove.clerk import Clerk
from sandbox.prove.nodes import NodesClerk
from sandbox.prove.records import MagentoClerk, RecordsClerk
from sandbox.world import build, magento, woocommerce
from sandbox.world.spec import WorldSpec
from sandbox.world.truth import Truth

PAGE = 5
"""Records on a page, so that a small shop has several."""


@dataclass(frozen=True)
class Row:
    """One vendor.

    Attributes:
        build: writes the shop of a spec to a file that its simulator serves.
        secret: what a feed of such a shop has as its secret.
        clerk: changes a shop's file.
        lists: stream -> texts that every request for a page of its list has.
        later: what a request for a page after the first has besides.
        counts: stream -> texts that every request for its count has, where the vendor counts apart from its lists.
        senseless: column -> why it makes no sense for this vendor.
    """

    build: Callable[[Path, WorldSpec], Truth]
    secret: Callable[[WorldSpec], Mapping[str, str]]
    clerk: Callable[[Path], Clerk]
    lists: Mapping[str, tuple[str, ...]]
    later: str
    counts: Mapping[str, tuple[str, ...]] | None = None
    senseless: Mapping[str, str] = field(default_factory=dict)


_KEYS = "Its keys do not expire; they can only be taken back."

ROWS: Mapping[str, Row] = {
    "shopify": Row(
        build,
        lambda spec: {"client_id": spec.client_id, "client_secret": spec.client_secret},
        NodesClerk,
        {stream: (f"page: {stream}(", "sortKey: UPDATED_AT") for stream in ("products", "orders")},
        '"after":"',
        {stream: (f"count: {stream}Count(",) for stream in ("products", "orders")},
    ),
    "woocommerce": Row(
        woocommerce.build,
        lambda spec: {"consumer_key": spec.client_id, "consumer_secret": spec.client_secret},
        RecordsClerk,
        {stream: (f"wc/v3/{stream}?", "per_page=5") for stream in ("products", "orders")},
        "&page=2",
        senseless={"expired token": _KEYS},
    ),
    "magento": Row(
        magento.build,
        lambda spec: {
            "consumer_key": spec.client_id,
            "consumer_secret": spec.client_secret,
            "access_token": spec.token,
            "access_token_secret": spec.token_secret,
        },
        MagentoClerk,
        {stream: (f"V1/{path}?", "[pageSize]=5") for stream, path in (("products", "products"), ("orders", "orders"))},
        "[currentPage]=2",
        senseless={"expired token": _KEYS},
    ),
}

APART: Mapping[str, str] = {
    "files": "It reads dropped files and asks no vendor: tests/e2e/test_files.py follows late, repeated and broken ones.",
    "bigcommerce": "Nobody stands in its simulated store yet: its reading under each fault is held by tests/unit/sources/bigcommerce.",
}
"""Connectors without a row, and why: all their cells are shown as without sense."""

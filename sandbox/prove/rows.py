"""The rows of the matrix: how a shop of each connector is made, changed, and aimed at by faults. A connector joins by its entry here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.prove import books
from sandbox.prove.clerk import Clerk
from sandbox.prove.consignments import ConsignmentsClerk
from sandbox.prove.nodes import NodesClerk
from sandbox.prove.records import MagentoClerk, RecordsClerk
from sandbox.prove.told import What
from sandbox.world import bigcommerce, build, magento, woocommerce
from sandbox.world.spec import WorldSpec
from sandbox.world.truth import Truth

STRUCK = ("products", "orders")
"""The streams whose lists are struck."""
PAGE = 5
"""Records on a page, so that a small shop has several."""


Deliver = Callable[[Path, Path], None]
"""Writes the files of a shop, whose own file comes first, into a folder."""


@dataclass(frozen=True)
class Row:
    """One vendor.

    Attributes:
        build: writes the shop of a spec to a file that its simulator serves.
        secret: what a feed of such a shop has as its secret.
        clerk: changes a shop's file.
        lists: stream -> texts that every request for a page of its list has.
        later: stream -> what a request for a page after the first has besides.
        counts: stream -> texts that every request for its count has, where the vendor counts it apart from its list.
        senseless: column -> why it makes no sense for this vendor.
        topic: kind of record and what happened to it -> the topic of the vendor's webhook; None where it sends none.
        deliver: has a shop drop its files, where it is not asked; then nothing simulates a vendor.
        settings: of a feed of such a shop, beside those of every feed.
    """

    build: Callable[[Path, WorldSpec], Truth]
    secret: Callable[[WorldSpec], Mapping[str, str]]
    clerk: Callable[[Path], Clerk]
    lists: Mapping[str, tuple[str, ...]]
    later: Mapping[str, str]
    counts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    senseless: Mapping[str, str] = field(default_factory=dict)
    topic: Callable[[str, What], str] | None = None
    deliver: Deliver | None = None
    settings: Callable[[WorldSpec], Mapping[str, Any]] = lambda spec: {}

    def file(self, folder: Path, shop: str) -> Path:
        """The file of a shop in a folder."""
        return folder / f"{shop}.{'books' if self.deliver else 'sqlite'}"


_KEYS = "Its keys do not expire; they can only be taken back."
_POLLED = "It sends no webhooks; it is polled."
_DROPPED = "It drops files, and nothing is asked over HTTP: no answers, pages, counts, tokens or clocks."
_ASKED = (
    "429 with Retry-After",
    "429 without",
    "429 for an hour",
    "5xx burst",
    "5xx that stays",
    "slow drip",
    "missing page",
    "repeated page",
    "count too high",
    "count too low",
    "moving count",
    "expired token",
    "revoked token",
    "clock behind",
    "clock far behind",
    "clock ahead",
)
"""Columns for vendors that are asked."""
WEBHOOKS = ("webhook lost", "webhook duplicate", "webhooks reordered")
"""Columns for vendors that send webhooks."""


def _topic_of_shopify(kind: str, what: What) -> str:
    ends = {"created": "create", "updated": "updated" if kind == "orders" else "update", "deleted": "delete"}
    return f"{kind}/{ends[what]}"


ROWS: Mapping[str, Row] = {
    "shopify": Row(
        build,
        lambda spec: {"client_id": spec.client_id, "client_secret": spec.client_secret},
        NodesClerk,
        {stream: (f"page: {stream}(", "sortKey: UPDATED_AT") for stream in STRUCK},
        dict.fromkeys(STRUCK, '"after":"'),
        {stream: (f"count: {stream}Count(",) for stream in STRUCK},
        topic=_topic_of_shopify,
    ),
    "woocommerce": Row(
        woocommerce.build,
        lambda spec: {"consumer_key": spec.client_id, "consumer_secret": spec.client_secret},
        RecordsClerk,
        {stream: (f"wc/v3/{stream}?", "per_page=5") for stream in STRUCK},
        dict.fromkeys(STRUCK, "&page=2"),
        senseless={"expired token": _KEYS},
        topic=lambda kind, what: f"{kind[:-1]}.{what}",
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
        {stream: (f"V1/{stream}?", "[pageSize]=5") for stream in STRUCK},
        dict.fromkeys(STRUCK, "[currentPage]=2"),
        senseless={"expired token": _KEYS, **dict.fromkeys(WEBHOOKS, _POLLED)},
    ),
    "bigcommerce": Row(
        bigcommerce.build,
        lambda spec: {"access_token": spec.client_secret, "client_secret": spec.token_secret},
        ConsignmentsClerk,
        {"products": ("v3/catalog/products?", "limit=5"), "orders": ("v2/orders?", "limit=5")},
        {"products": "&page=2", "orders": "&min_id=5"},  # orders are read on from an id, which here begins so
        # Of what is of a window: the count is also asked for what cannot be, and one that is wrong there is not believed.
        {"orders": ("v2/orders/count?", "min_date_modified=20", "max_date_modified=20")},
        senseless={"expired token": _KEYS},
        topic=lambda kind, what: f"store/{kind[:-1]}/{what}",
    ),
    "files": Row(
        books.build,
        lambda spec: {},
        books.BooksClerk,
        {},
        {},
        senseless=dict.fromkeys((*_ASKED, *WEBHOOKS), _DROPPED),
        deliver=books.deliver,
        settings=books.settings,
    ),
}

"""Webhooks of BigCommerce: signed as Standard Webhooks says, with the app's client secret; they name a record and hold no more of it.

https://docs.bigcommerce.com/developer/docs/integrations/webhooks ; what was not taken is sent again for two days, and an address that fails
too often is left out for minutes. The client secret stands in the feed's secret as `client_secret`, the one before it as
`previous_client_secret`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from varai.sources.webhooks import Headers, Told, signed_standard

_STREAMS: Final[Mapping[str, tuple[str, ...]]] = {
    "product": ("products", "inventory"),
    "sku": ("products", "inventory"),
    "inventory": ("inventory",),
    "order": ("orders",),
    "shipment": ("orders",),
    "customer": ("customers",),
    "information": ("shop",),
}
"""`store/<resource>/...`; a scope may name more than one step below its resource, as `store/order/refund/created` does."""
_GONE: Final = frozenset({"deleted", "archived"})
_UNINSTALLED: Final = "store/app/uninstalled"
_DIGITS: Final = 12


class _Told(msgspec.Struct):
    scope: str
    hash: str
    created_at: int = 0


class BigCommerceWebhooks:
    """See `varai.sources.webhooks.Webhooks`."""

    deadline_s: Final = 10.0
    secret_keys: Final = ("client_secret", "previous_client_secret")

    def greets(self, headers: Headers, body: bytes) -> bool:
        """BigCommerce sends nothing unsigned."""
        del headers, body
        return False

    def genuine(self, headers: Headers, body: bytes, secrets: Sequence[bytes], now: datetime) -> bool:
        """`webhook-signature` over id, time and body; the key of Standard Webhooks is the client secret itself."""
        return signed_standard(headers, body, secrets, now)

    def read(self, headers: Headers, body: bytes) -> Told | None:
        """The streams of the scope, which is in the signed body. A double fire has the same `hash` and time under another id."""
        del headers
        try:
            told = msgspec.json.decode(body, type=_Told)
        except (msgspec.DecodeError, RecursionError):
            return None
        event = f"{told.hash} {told.created_at}"  # what the hash covers is not told: without the time, the next change might have the same
        sent_at = datetime.fromtimestamp(told.created_at, UTC) if 0 < told.created_at < 10**_DIGITS else None
        if told.scope == _UNINSTALLED:
            return Told(event, told.scope, sent_at=sent_at, notice="uninstalled")
        store, _, rest = told.scope.partition("/")
        resource, _, what = rest.partition("/")
        if store != "store" or resource not in _STREAMS:
            return None
        return Told(event, f"store/{resource}", _STREAMS[resource], what in _GONE, sent_at)


WEBHOOKS: Final = BigCommerceWebhooks()

"""What follows a sale agrees with it: no parcel before the order, no piece twice, nothing after the anchor."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any


def test_shipments_hold_what_was_bought_and_keep_time(either: Any) -> None:
    lines, seen = either.by_parent("LineItem"), Counter[str]()
    places = {place.gid for place in either.of("Location")}
    for order in either.of("Order"):
        pieces = sum(one.body["quantity"] for one in lines[order.gid] if not one.body["isGiftCard"])
        parcels = order.body["fulfillments"]
        sent = sum(parcel["totalQuantity"] for parcel in parcels)
        assert sent <= pieces
        assert not (parcels and order.body["cancelledAt"])
        state = order.body["displayFulfillmentStatus"]
        assert (state == "FULFILLED") == (sent == pieces and not order.body["cancelledAt"])
        for parcel in parcels:
            assert order.created_at < parcel["createdAt"] < "2026-11-01T00:00:00Z"
            assert parcel["createdAt"] < (parcel["deliveredAt"] or "9") and parcel["location"]["id"] in places
            assert max(parcel["createdAt"], parcel["deliveredAt"] or "") <= order.updated_at
            waited = datetime.fromisoformat(parcel["createdAt"]) - datetime.fromisoformat(order.created_at)
            seen["late"] += waited > timedelta(days=4)
            seen["on its way"] += parcel["deliveredAt"] is None
        seen["in two"] += len(parcels) > 1
        seen["not yet"] += state == "UNFULFILLED" and not order.body["cancelledAt"]
    for kind in ("late", "on its way", "in two", "not yet"):
        assert seen[kind] > 0, kind

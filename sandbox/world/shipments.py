"""How orders leave the shop: most in a day or two, some late, some in two parcels, the last ones not yet.

In: sales. Out: shipments whose instants all lie before the anchor, and their node bodies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sandbox.world.baskets import Line, Sale
from sandbox.world.wire import Body, gid, instant

_CARRIERS = {"US": ("UPS", "USPS"), "DE": ("DHL", "DPD"), "AT": ("Post AT", "DHL"), "FR": ("Colissimo", "DPD")}
_LATE = 0.07
_SPLIT = 0.25
"""share of orders of several lines that leave in two parcels"""


@dataclass(frozen=True, slots=True)
class Shipment:
    """One parcel; `arrived` is None while it is on its way."""

    id: int
    lines: Sequence[Line]
    place: int
    carrier: str
    left: datetime
    expected: datetime
    arrived: datetime | None

    @property
    def pieces(self) -> int:
        """How many are in it."""
        return sum(line.quantity for line in self.lines)


class Packer:
    """Decides when and in how many parcels a sale leaves."""

    def __init__(self, country: str, anchor: datetime, places: Sequence[int], rng: Random) -> None:
        self.carriers, self.anchor, self.places, self.rng = _CARRIERS[country], anchor, places, rng

    def pack(self, sale: Sale) -> list[Shipment]:
        """The parcels that have left by the anchor; none of what was cancelled or has nothing to ship."""
        rng = self.rng
        goods = [line for line in sale.lines if not line.gift_card]
        ready = sale.when + timedelta(hours=rng.randrange(2, 47))
        if rng.random() < _LATE:
            ready += timedelta(days=rng.randrange(4, 12))
        parts = [goods[:1], goods[1:]] if len(goods) > 1 and rng.random() < _SPLIT else [goods]
        if sale.cancelled or not goods:
            return []
        sent = (self._send(sale, number, part, ready) for number, part in enumerate(parts))
        return [parcel for parcel in sent if parcel.left < self.anchor]

    def _send(self, sale: Sale, number: int, lines: Sequence[Line], ready: datetime) -> Shipment:
        rng = self.rng
        left = ready + timedelta(days=number)
        expected = left + timedelta(days=3)
        arrived = left + timedelta(hours=rng.randrange(18, 96))
        return Shipment(
            id=sale.id * 10 + number,
            lines=lines,
            place=self.places[0] if rng.random() < 0.9 else rng.choice(self.places),
            carrier=rng.choice(self.carriers),
            left=left,
            expected=expected,
            arrived=arrived if arrived < self.anchor else None,
        )


def shipped_body(sale: Sale, parcels: Sequence[Shipment]) -> Body:
    """What an order says of its shipments."""
    pieces = sum(line.quantity for line in sale.lines if not line.gift_card)
    sent = sum(parcel.pieces for parcel in parcels)
    state = "UNFULFILLED" if sale.cancelled or (pieces and not sent) else "FULFILLED"
    if 0 < sent < pieces:
        state = "PARTIALLY_FULFILLED"
    return {"displayFulfillmentStatus": state, "fulfillments": [_body(parcel) for parcel in parcels]}


def _body(parcel: Shipment) -> Body:
    moved = parcel.left + timedelta(hours=3)
    return {
        "id": gid("Fulfillment", parcel.id),
        "name": f"#{parcel.id}",
        "createdAt": instant(parcel.left),
        "updatedAt": instant(parcel.arrived or parcel.left),
        "status": "SUCCESS",
        "displayStatus": "DELIVERED" if parcel.arrived else "CONFIRMED",
        "inTransitAt": instant(moved) if parcel.arrived else None,
        "estimatedDeliveryAt": instant(parcel.expected),
        "deliveredAt": instant(parcel.arrived) if parcel.arrived else None,
        "totalQuantity": parcel.pieces,
        "requiresShipping": True,
        "location": {"id": gid("Location", parcel.place)},
        "service": {"id": gid("FulfillmentService", 1), "handle": "manual", "serviceName": "Manual"},
        "trackingInfo": [{"company": parcel.carrier, "number": f"TRK{parcel.id}", "url": None}],
    }

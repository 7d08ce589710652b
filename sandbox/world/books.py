"""The books of a shop: sales and what became of them in, nodes of its file out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from sandbox.vendors.shopify.store import PAYMENTS_ACCOUNT, ShopWriter
from sandbox.world import order_bodies as orders
from sandbox.world.baskets import Sale
from sandbox.world.defects import Plan, spoil_order
from sandbox.world.edits import edited_at, edited_body
from sandbox.world.frames import places_of
from sandbox.world.gift_cards import GATEWAY as GIFT_CARD
from sandbox.world.gift_cards import Wallet
from sandbox.world.payouts import GATEWAY, Account, dispute_body, disputed, payout_body
from sandbox.world.returns import Return
from sandbox.world.shipments import Packer, shipped_body
from sandbox.world.spec import WorldSpec
from sandbox.world.wire import Body, gid, instant


class Books:
    """Writes orders with lines, shipments, edits, delivery, payments and refunds; when closed, what was paid out.

    Args:
        draw: a generator by its purpose.
    """

    def __init__(self, writer: ShopWriter, spec: WorldSpec, chosen: Plan, draw: Callable[[str], Random]) -> None:
        self.writer, self.spec, self.chosen = writer, spec, chosen
        self.packer = Packer(spec.country, spec.anchor, places_of(spec), draw("shipments"))
        self.wallet = Wallet(draw("gift cards"))
        self.editing = draw("edits")
        self.account, self.disputing = Account(spec.anchor), draw("disputes")
        self._hang(PAYMENTS_ACCOUNT, "ShopifyPaymentsAccount", {"activated": True}, spec.opened)

    def enter(self, sale: Sale, back: Return | None) -> None:
        put, currency = self.writer.put, self.spec.currency
        when = instant(sale.when)
        parcels = self.packer.pack(sale)
        shipped = min(sale.when + timedelta(days=2), self.spec.anchor)
        moved = (moment for parcel in parcels for moment in (parcel.left, parcel.arrived))
        touched = instant(max(filter(None, (shipped, sale.cancelled, back.when if back else None, *moved))))
        body = {**orders.order_body(sale, back, currency), **shipped_body(sale, parcels)}
        edited = edited_at(sale, self.spec.anchor, self.editing)
        if edited:
            body |= edited_body(sale, edited, currency)
        spoil_order(body, sale.id, self.chosen)
        parent = body["id"]
        put(parent, "Order", body, created_at=when, updated_at=touched)
        for position, line in enumerate(sale.lines):
            item = orders.line_body(sale, line, back, currency)
            put(
                item["id"],
                "LineItem",
                item,
                parent=parent,
                connection="lineItems",
                position=position,
                created_at=when,
                updated_at=when,
            )
        if sale.shipping_title:
            way = orders.shipping_body(sale, currency)
            put(
                way["id"],
                "ShippingLine",
                way,
                parent=parent,
                connection="shippingLines",
                created_at=when,
                updated_at=when,
            )
        by_card = self.wallet.pay(sale, back)
        self._pay(sale, "SALE", sale.total - by_card, sale.when, orders.PAY_OFFSET)
        if by_card:
            self._pay(sale, "SALE", by_card, sale.when, orders.PAY_OFFSET + 2, GIFT_CARD)
        if back:
            self._pay(sale, "REFUND", back.total, back.when, orders.PAY_OFFSET + 1)
            self._refund(sale, back)

        doubted = disputed(sale, self.spec.anchor, self.disputing)
        if doubted and orders.gateway_of(sale) == GATEWAY and not by_card:
            dispute = dispute_body(sale, doubted, self.spec.anchor, currency)
            self._hang(dispute["id"], "ShopifyPaymentsDispute", dispute, doubted, connection="disputes")

    def close(self) -> None:
        """Pay out what came in, week by week."""
        weeks = list(self.account.payouts())
        for number, payout in enumerate(weeks, self.spec.seed * 100_000 + 1):
            body = payout_body(payout, number, self.spec.currency, last=payout is weeks[-1])
            self._hang(body["id"], "ShopifyPaymentsPayout", body, payout.issued, connection="payouts")

    def _hang(self, identity: str, kind: str, body: Body, when: datetime, *, connection: str | None = None) -> None:
        """Put a node on the shop's account with Shopify Payments, or the account itself."""
        at, parent = instant(when), PAYMENTS_ACCOUNT if connection else None
        self.writer.put(identity, kind, body, parent=parent, connection=connection, created_at=at, updated_at=at)

    def _pay(self, sale: Sale, kind: str, amount: int, when: datetime, offset: int, gateway: str | None = None) -> None:
        body = orders.payment_body(sale, kind, amount, when, offset, self.spec.currency, gateway)
        if body["gateway"] == GATEWAY:
            self.account.move(amount if kind == "SALE" else -amount, when)
        self.writer.put(
            body["id"],
            "OrderTransaction",
            body,
            parent=gid("Order", sale.id),
            connection="transactions",
            position=offset,
            created_at=instant(when),
            updated_at=instant(when),
        )

    def _refund(self, sale: Sale, back: Return) -> None:
        put, when = self.writer.put, instant(back.when)
        body = orders.refund_body(sale, back, self.spec.currency)
        put(
            body["id"],
            "Refund",
            body,
            parent=gid("Order", sale.id),
            connection="refunds",
            created_at=when,
            updated_at=when,
        )
        for position, line in enumerate(back.lines):
            row = orders.refund_line_body(back, line, self.spec.currency)
            put(
                row["id"],
                "RefundLineItem",
                row,
                parent=body["id"],
                connection="refundLineItems",
                position=position,
                created_at=when,
                updated_at=when,
            )
        beside = []
        if back.shipping:
            way = orders.refund_shipping_body(sale, back, self.spec.currency)
            beside.append(("RefundShippingLine", "refundShippingLines", way))
        if back.adjustment:
            settled = orders.adjustment_body(back, back.adjustment, self.spec.currency)
            beside.append(("OrderAdjustment", "orderAdjustments", settled))
        for kind, connection, row in beside:
            put(row["id"], kind, row, parent=body["id"], connection=connection, created_at=when, updated_at=when)

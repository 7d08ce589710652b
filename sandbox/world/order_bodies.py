"""Node bodies of orders and what hangs on them: lines, delivery, payments, refunds.

In: a sale and its return, in cents. Out: dicts with Shopify's GraphQL field names; every total is computed from the
same integers as its parts.
"""

from __future__ import annotations

from datetime import datetime

from sandbox.world.baskets import HUNDRED, Discount, Line, Sale
from sandbox.world.people_bodies import address
from sandbox.world.returns import Adjustment, Return, ReturnLine
from sandbox.world.wire import Body, bag, cents, gid, instant, money

REFUND_OFFSET, SHIP_OFFSET, PAY_OFFSET = 1, 2, 3


def order_body(sale: Sale, back: Return | None, currency: str) -> Body:
    """An order without its children."""
    when = instant(sale.when)
    buyer, mail = sale.buyer, gid("MailingAddress", sale.id)
    place = address(buyer, mail)
    return {
        "id": gid("Order", sale.id),
        "legacyResourceId": str(sale.id),
        "name": f"#{sale.number}",
        "number": sale.number,
        "processedAt": when,
        "test": sale.test,
        "currencyCode": currency,
        "presentmentCurrencyCode": currency,
        "taxesIncluded": sale.taxes_included,
        "taxExempt": False,
        "estimatedTaxes": False,
        "dutiesIncluded": False,
        "edited": False,
        "email": buyer.email,
        "phone": buyer.phone,
        "note": None,
        "tags": [],
        "sourceName": "web",
        "customerLocale": None,
        "customer": None if sale.guest else {"id": gid("Customer", buyer.id)},
        "shippingAddress": place,
        "billingAddress": place,
        "customAttributes": [],
        "clientIp": None,
        "subtotalLineItemsQuantity": sum(line.quantity for line in sale.lines),
        "discountCodes": [d.title for d in sale.discounts if not d.automatic],
        "discountApplications": [_application(d, currency) for d in sale.discounts],
        "taxLines": _order_taxes(sale, currency),
        "paymentGatewayNames": [gateway_of(sale)],
        **_state(sale, back),
        **_totals(sale, back, currency),
    }


def _state(sale: Sale, back: Return | None) -> Body:
    paid = "PAID" if back is None else "REFUNDED" if back.total >= sale.total else "PARTIALLY_REFUNDED"
    return {
        "cancelledAt": instant(sale.cancelled) if sale.cancelled else None,
        "cancelReason": sale.cancel_reason,
        "closed": False,
        "closedAt": None,
        "confirmed": True,
        "displayFinancialStatus": paid,
        "returnStatus": "RETURNED" if back and not sale.cancelled else "NO_RETURN",
    }


def _totals(sale: Sale, back: Return | None, currency: str) -> Body:
    given, shipped = (back.total, back.shipping) if back else (0, 0)
    goods = sum(line.subtotal for line in back.lines) if back else 0
    tax_back = back.tax if back else 0
    discount = sum(line.discount for line in sale.lines)
    amounts = {
        "subtotalPriceSet": sale.subtotal,
        "totalPriceSet": sale.total,
        "originalTotalPriceSet": sale.total,
        "totalTaxSet": sale.tax,
        "totalDiscountsSet": discount,
        "totalShippingPriceSet": sale.shipping,
        "totalTipReceivedSet": 0,
        "totalRefundedSet": given,
        "totalRefundedShippingSet": shipped,
        "currentSubtotalPriceSet": sale.subtotal - goods,
        "currentTotalPriceSet": sale.total - given,
        "currentTotalTaxSet": sale.tax - tax_back,
        "currentTotalDiscountsSet": discount,
        "currentShippingPriceSet": sale.shipping - shipped,
        "cartDiscountAmountSet": discount,
        "currentCartDiscountAmountSet": discount,
        "netPaymentSet": sale.total - given,
        "totalReceivedSet": sale.total,
        "totalOutstandingSet": 0,
        "totalCapturableSet": 0,
    }
    return {name: bag(cents(amount), currency) for name, amount in amounts.items()}


def gateway_of(sale: Sale) -> str:
    """What a sale is paid by."""
    if sale.test:
        return "bogus"
    return "paypal" if sale.id % 4 == 0 else "shopify_payments"


def _application(discount: Discount, currency: str) -> Body:
    value: Body
    if discount.percent is not None:
        value = {"__typename": "PricingPercentageValue", "percentage": float(discount.percent)}
    else:
        value = {"__typename": "MoneyV2", **money(cents(discount.amount or 0), currency)}
    kind = (
        {"__typename": "AutomaticDiscountApplication", "title": discount.title}
        if discount.automatic
        else {"__typename": "DiscountCodeApplication", "code": discount.title}
    )
    across = "EACH" if discount.automatic else "ACROSS"
    return {
        **kind,
        "index": discount.index,
        "allocationMethod": across,
        "targetSelection": "ALL",
        "targetType": "LINE_ITEM",
        "value": value,
    }


def _tax_line(sale: Sale, amount: int, currency: str) -> list[Body]:
    if not amount:
        return []
    return [
        {
            "title": sale.tax_title,
            "rate": sale.tax_rate / HUNDRED,
            "ratePercentage": sale.tax_rate / 1000,
            "priceSet": bag(cents(amount), currency),
            "channelLiable": False,
            "source": "Shopify",
        }
    ]


def _order_taxes(sale: Sale, currency: str) -> list[Body]:
    return _tax_line(sale, sale.tax, currency)


def line_body(sale: Sale, line: Line, back: Return | None, currency: str) -> Body:
    """A line item with its taxes and discount allocations."""
    returned = sum(r.quantity for r in back.lines if r.line is line) if back else 0
    variant_title = f"{line.variant.colour} / {line.variant.size}" if not line.gift_card else cents(line.unit_price)
    left = line.quantity - returned
    return {
        "id": gid("LineItem", line.id),
        "title": line.product.title,
        "name": f"{line.product.title} - {variant_title}",
        "variantTitle": variant_title,
        "vendor": line.product.brand,
        "sku": line.variant.sku,
        "quantity": line.quantity,
        "currentQuantity": left,
        "refundableQuantity": left,
        "unfulfilledQuantity": 0,
        "nonFulfillableQuantity": 0,
        "isGiftCard": line.gift_card,
        "taxable": not line.gift_card,
        "requiresShipping": not line.gift_card,
        "restockable": not line.gift_card,
        "merchantEditable": False,
        "product": {"id": gid("Product", line.product.id)},
        "variant": {"id": gid("ProductVariant", line.variant.id)},
        "customAttributes": [{"key": key, "value": value} for key, value in line.properties],
        "taxLines": _tax_line(sale, line.tax, currency),
        "discountAllocations": [
            {
                "allocatedAmountSet": bag(cents(amount), currency),
                "discountApplication": _application(discount, currency),
            }
            for discount, amount in line.allocations
        ],
        **_line_amounts(sale, line, currency),
    }


def _line_amounts(sale: Sale, line: Line, currency: str) -> Body:
    """Money of a line; its discounted price knows the discounts given per line, not those over the order."""
    each = sum(amount for discount, amount in line.allocations if discount.automatic)
    amounts = {
        "originalUnitPriceSet": line.unit_price,
        "originalTotalSet": line.gross,
        "totalDiscountSet": each,
        "discountedTotalSet": line.gross - each,
        "discountedUnitPriceSet": (line.gross - each) // line.quantity,
        "discountedUnitPriceAfterAllDiscountsSet": line.net // line.quantity,
        "priceAfterAllDiscountsBeforeTaxesSet": line.net - (line.tax if sale.taxes_included else 0),
    }
    return {name: bag(cents(amount), currency) for name, amount in amounts.items()}


def shipping_id(sale: Sale) -> str:
    """The gid of the one delivery of a sale."""
    return gid("ShippingLine", sale.id * 10 + SHIP_OFFSET)


def shipping_body(sale: Sale, currency: str) -> Body:
    """A delivery."""
    price = bag(cents(sale.shipping), currency)
    return {
        "id": shipping_id(sale),
        "title": sale.shipping_title,
        "code": sale.shipping_title,
        "source": "shopify",
        "custom": False,
        "isRemoved": False,
        "originalPriceSet": price,
        "discountedPriceSet": price,
        "currentDiscountedPriceSet": price,
        "taxLines": _tax_line(sale, sale.shipping_tax, currency),
        "discountAllocations": [],
        "phone": None,
        "carrierIdentifier": None,
        "deliveryCategory": None,
    }


def payment_body(
    sale: Sale, kind: str, amount: int, when: datetime, offset: int, currency: str, gateway: str | None = None
) -> Body:
    """A movement of money: SALE or REFUND; by the sale's own gateway unless another is named."""
    gateway = gateway or gateway_of(sale)
    return {
        "id": gid("OrderTransaction", sale.id * 10 + offset),
        "kind": kind,
        "status": "SUCCESS",
        "test": sale.test,
        "gateway": gateway,
        "formattedGateway": gateway.replace("_", " ").title(),
        "processedAt": instant(when),
        "amountSet": bag(cents(amount), currency),
        "paymentId": f"#{sale.number}.{offset}",
        "errorCode": None,
        "manualPaymentGateway": False,
        "manuallyCapturable": False,
        "multiCapturable": False,
        "fees": [],
        "order": {"id": gid("Order", sale.id)},
    }


def refund_body(sale: Sale, back: Return, currency: str) -> Body:
    """A refund without its lines."""
    return {
        "id": gid("Refund", back.id),
        "legacyResourceId": str(back.id),
        "processedAt": instant(back.when),
        "note": back.note or None,
        "order": {"id": gid("Order", sale.id)},
        "totalRefundedSet": bag(cents(back.total), currency),
    }


def refund_line_body(back: Return, line: ReturnLine, currency: str) -> Body:
    """Pieces given back; `priceSet` is what one of them cost after discounts."""
    return {
        "id": gid("RefundLineItem", line.id),
        "quantity": line.quantity,
        "restockType": back.restock,
        "restocked": True,
        "lineItem": {"id": gid("LineItem", line.line.id)},
        "location": None,
        "priceSet": bag(cents(line.subtotal // line.quantity), currency),
        "subtotalSet": bag(cents(line.subtotal), currency),
        "totalTaxSet": bag(cents(line.tax), currency),
    }


def refund_shipping_body(sale: Sale, back: Return, currency: str) -> Body:
    """Delivery given back."""
    return {
        "id": gid("RefundShippingLine", back.id),
        "shippingLine": {"id": shipping_id(sale)},
        "subtotalAmountSet": bag(cents(back.shipping), currency),
        "taxAmountSet": bag(cents(back.shipping_tax), currency),
    }


def adjustment_body(back: Return, adjustment: Adjustment, currency: str) -> Body:
    """What was given or kept besides; the vendor writes it as it changes the order, so that money given is negative."""
    return {
        "id": gid("OrderAdjustment", back.id),
        "reason": adjustment.reason,
        "amountSet": bag(cents(-adjustment.amount), currency),
        "taxAmountSet": bag(cents(-adjustment.tax), currency),
    }

"""Node bodies of the UCI shop. In: invoice lines and matches. Out: dicts as Shopify's GraphQL writes them, in GBP.

A stock code of a product is a product with one variant; any other code is a custom line without either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

from sandbox.stores.countries import CODES
from sandbox.stores.credit import Match
from sandbox.stores.invoice_lines import InvoiceLine
from sandbox.world.wire import Body, gid, instant, money, to_pennies

CURRENCY = "GBP"
ZERO = {"shopMoney": money("0.00", CURRENCY)}
VENDOR = "Online Retail"
LINES_PER_ORDER = 10_000
PRODUCT, VARIANT, ITEM, LOCATION = 1_000_000, 2_000_000, 3_000_000, 4_000_001


@dataclass(slots=True)
class Invoice:
    """An order: its accepted lines and the pieces given back of them."""

    number: int
    lines: list[InvoiceLine] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        """Sum of the lines, each rounded once."""
        return sum((line.pennies for line in self.lines), Decimal(0))

    @property
    def refunded(self) -> Decimal:
        """Sum of what was given back, each piece rounded once."""
        return sum((to_pennies(match.amount) for match in self.matches), Decimal(0))


def text(amount: Decimal) -> str:
    """Pounds and pence."""
    return f"{to_pennies(amount):f}"


def pounds(amount: Decimal) -> Body:
    """A MoneyBag of pounds and pence."""
    return _bag(text(amount))


@cache
def _bag(amount: str) -> Body:
    """A MoneyBag of the shop's money; the simulated API gives the shopper the same. Shared, so never changed."""
    return {"shopMoney": money(amount, CURRENCY)}


def address(country: str, identity: str) -> Body:
    """All the files say of a place: the country."""
    return {"id": identity, "country": country, "countryCodeV2": CODES[country]}


def location_body() -> Body:
    """The one place the shop ships from."""
    return {
        "id": gid("Location", LOCATION),
        "legacyResourceId": str(LOCATION),
        "name": "Warehouse",
        "isActive": True,
        "fulfillsOnlineOrders": True,
        "shipsInventory": True,
        "hasActiveInventory": False,
        "isFulfillmentService": False,
        "deactivatedAt": None,
        "address": {"country": "United Kingdom", "countryCode": "GB", "formatted": ["United Kingdom"]},
    }


def product_body(number: int, last: InvoiceLine, first: InvoiceLine) -> Body:
    """A product named as at its last sale."""
    return {
        "id": gid("Product", PRODUCT + number),
        "legacyResourceId": str(PRODUCT + number),
        "title": last.description,
        "handle": f"item-{PRODUCT + number}",
        "vendor": VENDOR,
        "productType": "product",
        "descriptionHtml": "",
        "status": "ACTIVE",
        "isGiftCard": False,
        "publishedAt": instant(first.when),
        "tags": [],
        "hasOnlyDefaultVariant": True,
        "tracksInventory": False,
        "totalInventory": 0,
        "metafields": {},
        "options": [
            {"id": gid("ProductOption", PRODUCT + number), "name": "Title", "position": 1, "values": ["Default Title"]}
        ],
    }


def variant_body(number: int, last: InvoiceLine) -> Body:
    """The only variant of a product, at the price of its last sale; the files know no GTIN and no stock."""
    return {
        "id": gid("ProductVariant", VARIANT + number),
        "legacyResourceId": str(VARIANT + number),
        "title": "Default Title",
        "displayName": last.description,
        "sku": last.code,
        "barcode": None,
        "price": last.price_text,
        "compareAtPrice": None,
        "position": 1,
        "taxable": True,
        "inventoryPolicy": "CONTINUE",
        "inventoryQuantity": 0,
        "sellableOnlineQuantity": 0,
        "availableForSale": True,
        "requiresComponents": False,
        "metafields": {},
        "selectedOptions": [{"name": "Title", "value": "Default Title"}],
        "product": {"id": gid("Product", PRODUCT + number)},
        "inventoryItem": item_body(number, last),
    }


def item_body(number: int, last: InvoiceLine) -> Body:
    """An inventory item that is not counted."""
    return {
        "id": gid("InventoryItem", ITEM + number),
        "legacyResourceId": str(ITEM + number),
        "sku": last.code,
        "tracked": False,
        "requiresShipping": True,
        "duplicateSkuCount": 0,
        "unitCost": None,
        "measurement": {"id": gid("InventoryItemMeasurement", ITEM + number), "weight": None},
    }


def customer_body(customer: int, country: str, orders: int, spent: Decimal) -> Body:
    """A customer: a number and a country, nothing personal is known."""
    return {
        "id": gid("Customer", customer),
        "legacyResourceId": str(customer),
        "firstName": None,
        "lastName": None,
        "displayName": f"Customer {customer}",
        "email": None,
        "phone": None,
        "state": "DISABLED",
        "verifiedEmail": False,
        "validEmailAddress": False,
        "taxExempt": False,
        "locale": "en-GB",
        "note": None,
        "tags": [],
        "dataSaleOptOut": False,
        "lifetimeDuration": "",
        "defaultEmailAddress": None,
        "defaultPhoneNumber": None,
        "emailMarketingConsent": None,
        "defaultAddress": address(country, gid("MailingAddress", customer)),
        "numberOfOrders": str(orders),
        "amountSpent": money(text(spent), CURRENCY),
        "metafields": {},
    }


def order_body(invoice: Invoice) -> Body:
    """An order without its lines; the files know no tax, no discount and no separate delivery."""
    first, refunded = invoice.lines[0], invoice.refunded
    place = address(first.country, gid("MailingAddress", invoice.number))
    return {
        "id": gid("Order", invoice.number),
        "name": f"#{invoice.number}",
        "number": invoice.number,
        "processedAt": instant(min(line.when for line in invoice.lines)),
        "cancelledAt": None,
        "closed": False,
        "confirmed": True,
        "test": False,
        "currencyCode": CURRENCY,
        "presentmentCurrencyCode": CURRENCY,
        "taxesIncluded": False,
        "sourceName": "web",
        "customer": {"id": gid("Customer", first.customer)} if first.customer is not None else None,
        "shippingAddress": place,
        "billingAddress": place,
        "displayFulfillmentStatus": "FULFILLED",
        "returnStatus": "RETURNED" if refunded else "NO_RETURN",
        "subtotalLineItemsQuantity": sum(line.quantity for line in invoice.lines),
        "paymentGatewayNames": ["manual"],
        **_totals(invoice.total, refunded),
    }


def _totals(total: Decimal, refunded: Decimal) -> Body:
    whole, left = pounds(total), pounds(total - refunded)
    paid = "PAID" if not refunded else "REFUNDED" if refunded >= total else "PARTIALLY_REFUNDED"
    return {
        "displayFinancialStatus": paid,
        "subtotalPriceSet": whole,
        "totalPriceSet": whole,
        "originalTotalPriceSet": whole,
        "totalReceivedSet": whole,
        "currentSubtotalPriceSet": left,
        "currentTotalPriceSet": left,
        "netPaymentSet": left,
        "totalRefundedSet": pounds(refunded),
        "totalTaxSet": ZERO,
        "totalDiscountsSet": ZERO,
        "totalShippingPriceSet": ZERO,
    }


def line_body(line: InvoiceLine, product: int | None, kind: str, returned: int) -> dict[str, Any]:
    """A line item; a code that is no product is a custom line, a voucher is a gift card.

    There are half a million of them: what the simulated API derives by itself (name, empty lists, zeros) is left out.
    """
    unit, whole = _bag(line.price_text), _bag(str(line.pennies))
    body: dict[str, Any] = {
        "title": line.description,
        "sku": line.code,
        "quantity": line.quantity,
        "originalUnitPriceSet": unit,
        "originalTotalSet": whole,
        "discountedTotalSet": whole,
        "discountedUnitPriceSet": unit,
        "discountedUnitPriceAfterAllDiscountsSet": unit,
    }
    if product is not None:
        body |= {
            "product": {"id": gid("Product", PRODUCT + product)},
            "variant": {"id": gid("ProductVariant", VARIANT + product)},
            "vendor": VENDOR,
            "taxable": True,
            "requiresShipping": True,
        }
    if kind == "gift_card":
        body["isGiftCard"] = True
    if returned:
        body["currentQuantity"] = body["refundableQuantity"] = line.quantity - returned
    return body


def refund_body(identity: str, order: str, matches: Sequence[Match]) -> Body:
    """What one credit note gave back of one order."""
    total = sum((to_pennies(match.amount) for match in matches), Decimal(0))
    credit = matches[0].credit
    return {
        "id": identity,
        "legacyResourceId": identity.rsplit("/", 1)[-1],
        "processedAt": "",
        "note": credit.invoice,
        "order": {"id": order},
        "totalRefundedSet": pounds(total),
    }


def refund_line_body(identity: str, line_gid: str, match: Match) -> Body:
    """Pieces of a line given back."""
    return {
        "id": identity,
        "quantity": match.quantity,
        "restockType": "RETURN",
        "restocked": True,
        "location": None,
        "lineItem": {"id": line_gid},
        "priceSet": _bag(match.sold.price_text),
        "subtotalSet": pounds(match.amount),
        "totalTaxSet": ZERO,
    }


def payment_body(identity: str, order: str, kind: str, amount: Decimal, when: str) -> Body:
    """A movement of money: SALE or REFUND."""
    return {
        "id": identity,
        "kind": kind,
        "status": "SUCCESS",
        "test": False,
        "gateway": "manual",
        "formattedGateway": "Manual",
        "processedAt": when,
        "amountSet": pounds(amount),
        "errorCode": None,
        "manualPaymentGateway": True,
        "manuallyCapturable": False,
        "multiCapturable": False,
        "fees": [],
        "order": {"id": order},
    }

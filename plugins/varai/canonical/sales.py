"""Entities of sales: customer, order and what hangs on it. Personal, so sealed at rest; subjects appear as pseudonyms only."""

from __future__ import annotations

from collections.abc import Mapping

from varai.canonical.fields import Field

_CUSTOMER = (
    Field("subject", "text", "personal", "pseudonym of the customer", required=True, subject=True),
    Field("first_name", "text", "personal", "given name", vault=True),
    Field("last_name", "text", "personal", "family name", vault=True),
    Field("email", "text", "personal", "e-mail address", vault=True),
    Field("phone", "text", "personal", "telephone number", vault=True),
    Field("address", "text", "personal", "default address as JSON", vault=True),
    Field("country", "text", "personal", "ISO 3166-1 alpha-2 of the default address"),
    Field("marketing_consent", "boolean", "personal", "agreed to marketing by e-mail"),
    Field("training_consent", "boolean", "personal", "agreed to, or did not opt out of, use for training models"),
    Field("orders_count", "integer", "personal", "orders as the vendor counts them"),
    Field("created_at", "instant", "personal", "when the account was made"),
)
_ORDER = (
    Field("name", "text", "personal", "number the merchant sees, such as #1001"),
    Field("subject", "text", "personal", "pseudonym of the customer; null for guests", subject=True),
    Field("currency", "text", "internal", "ISO 4217 code of the shop's amounts", required=True),
    Field("presentment_currency", "text", "internal", "ISO 4217 code the shopper saw"),
    Field("created_at", "instant", "internal", "when the vendor recorded it"),
    Field("processed_at", "instant", "internal", "when it was sold; reports count by this", required=True),
    Field("processed_on", "date", "internal", "processed_at in the zone the shop had then"),
    Field("cancelled_at", "instant", "internal", "when it was cancelled"),
    Field("cancel_reason", "text", "internal", "the vendor's reason"),
    Field("test", "boolean", "internal", "a test order; reports leave it out"),
    Field(
        "placed", "boolean", "internal", "false: a cart, or never paid and given up, so no sale; reports leave it out"
    ),
    Field("financial_status", "text", "internal", "paid, pending, refunded, ..."),
    Field("taxes_included", "boolean", "internal", "true: line prices contain tax"),
    Field("subtotal_minor", "minor", "internal", "the vendor's subtotal"),
    Field("tax_minor", "minor", "internal", "the vendor's tax"),
    Field("shipping_minor", "minor", "internal", "the vendor's shipping, after shipping discounts"),
    Field("discount_minor", "minor", "internal", "the vendor's discounts, lines and order"),
    Field("total_minor", "minor", "internal", "the vendor's total"),
    Field("ship_country", "text", "internal", "ISO 3166-1 alpha-2 shipped to"),
    Field("ship_province", "text", "internal", "province or state code shipped to"),
    Field("channel", "text", "internal", "where it was sold"),
)
_ORDER_LINE = (
    Field("order_id", "text", "internal", "source_id of the order", required=True),
    Field("product_id", "text", "internal", "source_id of the product; null for a custom line"),
    Field("variant_id", "text", "internal", "source_id of the variant; null for a custom line"),
    Field("sku", "text", "internal", "SKU at the time of sale"),
    Field("title", "text", "internal", "name at the time of sale"),
    Field("line_kind", "text", "internal", "product, postage, fee, adjustment, gift_card or manual", required=True),
    Field("quantity", "integer", "internal", "pieces sold", required=True),
    Field("unit_price", "decimal", "internal", "price of one, before discounts, major units", required=True),
    Field("currency", "text", "internal", "ISO 4217", required=True),
    Field("gross_minor", "minor", "internal", "quantity x unit_price, rounded half-even once per line"),
    Field("discount_minor", "minor", "internal", "all allocations to this line, order-level ones included"),
    Field("tax_minor", "minor", "internal", "tax of this line"),
    Field("rx", "boolean", "internal", "carries prescription lens properties"),
    Field("lens_type", "text", "internal", "lens as the shop names it, such as single vision"),
)
_TAX_LINE = (
    Field("order_id", "text", "internal", "source_id of the order", required=True),
    Field("line_id", "text", "internal", "source_id of the order line or shipping line taxed"),
    Field("title", "text", "internal", "name of the tax"),
    Field("rate", "decimal", "internal", "share of one"),
    Field("amount_minor", "minor", "internal", "tax"),
    Field("currency", "text", "internal", "ISO 4217"),
)
_SHIPPING_LINE = (
    Field("order_id", "text", "internal", "source_id of the order", required=True),
    Field("title", "text", "internal", "method of delivery"),
    Field("price_minor", "minor", "internal", "before discounts"),
    Field("discounted_minor", "minor", "internal", "after discounts"),
    Field("currency", "text", "internal", "ISO 4217"),
)
_DISCOUNT_ALLOCATION = (
    Field("order_id", "text", "internal", "source_id of the order", required=True),
    Field("line_id", "text", "internal", "source_id of the order line", required=True),
    Field("amount_minor", "minor", "internal", "share of the discount that falls on this line"),
    Field("currency", "text", "internal", "ISO 4217"),
    Field("kind", "text", "internal", "code, automatic, manual or script"),
)
_TRANSACTION = (
    Field("order_id", "text", "internal", "source_id of the order", required=True),
    Field("kind", "text", "internal", "sale, authorization, capture, refund, void"),
    Field("status", "text", "internal", "success, failure, pending, error"),
    Field("gateway", "text", "internal", "means of payment"),
    Field("amount_minor", "minor", "internal", "amount"),
    Field("currency", "text", "internal", "ISO 4217"),
    Field("test", "boolean", "internal", "made with a test card"),
    Field("processed_at", "instant", "internal", "when it was processed"),
)
_REFUND = (
    Field("order_id", "text", "internal", "source_id of the order", required=True),
    Field("created_at", "instant", "internal", "when it was recorded"),
    Field("processed_at", "instant", "internal", "when the money moved; returns count by this"),
    Field("processed_on", "date", "internal", "processed_at in the zone the shop had then"),
    Field("total_minor", "minor", "internal", "money given back"),
    Field("shipping_minor", "minor", "internal", "of it for delivery; contains tax where prices do"),
    Field("shipping_tax_minor", "minor", "internal", "tax of that delivery"),
    Field("adjustment_minor", "minor", "internal", "of it beyond goods and delivery, without tax; negative: kept back"),
    Field("adjustment_tax_minor", "minor", "internal", "tax that goes with the adjustment; negative: kept back"),
    Field("currency", "text", "internal", "ISO 4217"),
)
_REFUND_LINE = (
    Field("refund_id", "text", "internal", "source_id of the refund", required=True),
    Field("order_id", "text", "internal", "source_id of the order", required=True),
    Field("line_id", "text", "internal", "source_id of the order line given back", required=True),
    Field("quantity", "integer", "internal", "pieces given back", required=True),
    Field("subtotal_minor", "minor", "internal", "value of the goods given back, after discounts, before added tax"),
    Field("tax_minor", "minor", "internal", "tax given back"),
    Field("currency", "text", "internal", "ISO 4217"),
    Field("reason", "text", "internal", "why, as the vendor names it; restock type where that is all there is"),
)

ENTITIES: Mapping[str, tuple[str, tuple[Field, ...]]] = {
    "customer": ("A person who has an account. One row per customer.", _CUSTOMER),
    "order": ("A sale. One row per order.", _ORDER),
    "order_line": ("What was sold. One row per line of an order.", _ORDER_LINE),
    "tax_line": ("A tax on a line. One row per tax and line.", _TAX_LINE),
    "shipping_line": ("A delivery charged. One row per shipping line of an order.", _SHIPPING_LINE),
    "discount_allocation": ("A discount's share on a line. One row per allocation.", _DISCOUNT_ALLOCATION),
    "transaction": ("A movement of money for an order. One row per transaction.", _TRANSACTION),
    "refund": ("Money given back. One row per refund.", _REFUND),
    "refund_line": ("Goods given back. One row per refunded line.", _REFUND_LINE),
}

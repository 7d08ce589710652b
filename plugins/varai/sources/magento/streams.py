"""The streams a Magento feed has, what each maps to, and what identifies a person in it."""

from __future__ import annotations

from typing import Final

from varai.sources.contract import ORDER_ENTITIES, StreamSpec

_NAME: Final = ("prefix", "firstname", "middlename", "lastname", "suffix")
_ADDRESS: Final = (
    *_NAME,
    *(
        "company",
        "street",
        "city",
        "postcode",
        "telephone",
        "fax",
        "email",
        "vat_id",
        "vat_request_id",
        "customer_id",
        "customer_address_id",
    ),
    *("extension_attributes", "custom_attributes"),
)
_SHIPPING: Final = ("extension_attributes", "shipping_assignments", "[]")
_ITEM: Final = ("parent_item", "product_option", "additional_data", "extension_attributes")
_ORDER_REDACTIONS: Final[tuple[tuple[str, ...], ...]] = (
    ("customer_id",),
    ("customer_email",),
    *((f"customer_{field}",) for field in (*_NAME, "dob", "gender", "taxvat", "note")),
    ("remote_ip",),
    ("x_forwarded_for",),
    ("quote_id",),
    ("quote_address_id",),
    ("billing_address_id",),
    ("protect_code",),
    ("ext_customer_id",),
    ("status_histories",),
    ("custom_attributes",),
    *(("billing_address", field) for field in _ADDRESS),
    *((*_SHIPPING, "shipping", "address", field) for field in _ADDRESS),
    *((*_SHIPPING, "items", "[]", field) for field in _ITEM),
    *(
        ("extension_attributes", field)
        for field in ("payment_additional_info", "gift_message", "company_order_attributes")
    ),
    *(
        ("payment", field)
        for field in (
            *("account_status", "additional_data", "additional_information", "address_status", "anet_trans_method"),
            *(
                "cc_last4",
                "cc_owner",
                "cc_number_enc",
                "cc_exp_month",
                "cc_exp_year",
                "cc_type",
                "cc_trans_id",
                "cc_debug_request_body",
                "cc_debug_response_body",
                "cc_debug_response_serialized",
                "cc_ss_issue",
                "cc_ss_start_month",
                "cc_ss_start_year",
                "last_trans_id",
            ),
            *(
                "echeck_account_name",
                "echeck_account_type",
                "echeck_bank_name",
                "quote_payment_id",
                "echeck_routing_number",
                "po_number",
                "protection_eligibility",
                "extension_attributes",
            ),
        )
    ),
    # A line within a line repeats it, and is not read.
    *(("items", "[]", field) for field in _ITEM),
    # Of refunds, which are lines of their own.
    *(
        ("refunds", "[]", field)
        for field in ("comments", "transaction_id", "billing_address_id", "shipping_address_id")
    ),
    *(("refunds", "[]", field) for field in ("customer_note", "custom_attributes")),
)

STREAMS: Final = (
    StreamSpec("shop", "shop", ("shop", "location"), needs_scopes=("stores",), census="ids", incremental=False),
    StreamSpec("products", "product", ("product", "variant", "image"), needs_scopes=("products",), listed=True),
    StreamSpec("stock", "inventory_level", ("inventory_level",), needs_scopes=("stock",), incremental=False),
    StreamSpec(
        "customers",
        "customer",
        ("customer",),
        sealed=True,
        needs_scopes=("customers",),
        subject_path=("id",),
        withheld=True,
        listed=True,
    ),
    StreamSpec(
        "orders",
        "order",
        ORDER_ENTITIES,
        sealed=True,
        needs_scopes=("orders", "refunds"),
        subject_path=("customer_id",),
        redact=_ORDER_REDACTIONS,
        listed=True,
    ),
)
"""Read in this order: what others refer to comes first. The permissions are resources of the shop's integration."""

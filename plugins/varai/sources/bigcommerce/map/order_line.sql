-- One row per line, and per charge beside goods and delivery. The price is the line's own, to its fourth decimal.
SELECT nth, one.id AS source_id, order_id AS root_id, stamp AS source_updated_at,
    order_id,
    nullif(one.product_id, '0') AS product_id,
    nullif(one.variant_id, '0') AS variant_id,
    text_of(one.sku) AS sku,
    one.name AS title,
    coalesce(kind_of(text_of(one.sku)), CASE WHEN one.type = 'giftcertificate' THEN 'gift_card'
        WHEN coalesce(one.product_id, '0') = '0' THEN 'manual' ELSE 'product' END) AS line_kind,
    one.quantity AS quantity,
    one.price_ex_tax AS unit_price,
    currency,
    gross AS gross_minor,
    coalesce(cheaper, 0) AS discount_minor,
    tax AS tax_minor,
    has_rx(one.product_options) AS rx,
    chosen(one.product_options, ['lens_type', 'lens type', 'lens', '_lens_type']) AS lens_type
FROM sold
UNION ALL
SELECT nth, charge_id, order_id, stamp, order_id, NULL, NULL, NULL, title, 'fee', '1', price, currency, minor_of(price, exponent), 0,
    minor_of(tax, exponent), false, NULL
FROM charged

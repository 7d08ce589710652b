-- One row per order that is delivered.
SELECT nth, id || '#shipping' AS source_id, id AS root_id, stamp AS source_updated_at,
    id AS order_id, text_of(shipping_description) AS title,
    minor_of(base_shipping_amount, exponent) AS price_minor,
    minor_of(base_shipping_amount, exponent) - coalesce(minor_of(base_shipping_discount_amount, exponent), 0)
        + coalesce(minor_of(base_shipping_discount_tax_compensation_amnt, exponent), 0) AS discounted_minor,
    currency
FROM orders WHERE text_of(shipping_description) IS NOT NULL OR minor_of(base_shipping_amount, exponent) <> 0

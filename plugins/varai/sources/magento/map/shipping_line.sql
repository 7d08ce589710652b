-- One row per order that is delivered.
SELECT nth, id || '#shipping' AS source_id, id AS root_id, stamp AS source_updated_at,
    id AS order_id, text_of(shipping_description) AS title,
    to_minor(base_shipping_amount, currency) AS price_minor,
    to_minor(base_shipping_amount, currency) - coalesce(to_minor(base_shipping_discount_amount, currency), 0)
        + coalesce(to_minor(base_shipping_discount_tax_compensation_amnt, currency), 0) AS discounted_minor,
    currency
FROM orders WHERE text_of(shipping_description) IS NOT NULL OR to_minor(base_shipping_amount, currency) <> 0

-- One row per order. Carts, orders nobody paid for in time and failed payments are no sales: WooCommerce's own reports leave them out.
SELECT nth, id AS source_id, id AS root_id, stamp AS source_updated_at,
    '#' || number AS name,
    nullif(customer_id, '0') AS subject,
    currency,
    currency AS presentment_currency,
    utc(date_created_gmt) AS created_at,
    utc(date_created_gmt) AS processed_at,
    day_of(utc(date_created_gmt)) AS processed_on,
    CASE WHEN status IN ('cancelled', 'failed') THEN stamp END AS cancelled_at,
    NOT list_contains(['checkout-draft', 'auto-draft', 'pending', 'failed', 'cancelled', 'trash'], coalesce(status, '')) AS placed,
    CASE status WHEN 'processing' THEN 'paid' WHEN 'completed' THEN 'paid' WHEN 'on-hold' THEN 'pending' ELSE status END
        AS financial_status,
    'false' AS taxes_included,
    list_sum(list_transform(line_items, one -> minor_of(one.total, exponent))) AS subtotal_minor,
    total_tax AS tax_minor,
    shipping_total AS shipping_minor,
    discount_total AS discount_minor,
    total AS total_minor,
    coalesce(text_of(shipping.country), text_of(billing.country)) AS ship_country,
    coalesce(text_of(shipping.state), text_of(billing.state)) AS ship_province,
    created_via AS channel
FROM orders

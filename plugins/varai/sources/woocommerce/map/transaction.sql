-- One row per order that was paid: WooCommerce keeps that it was, and how.
SELECT nth, id || '#payment' AS source_id, id AS root_id, utc(date_modified_gmt) AS source_updated_at,
    id AS order_id, 'sale' AS kind, 'success' AS status, text_of(payment_method) AS gateway,
    total AS amount_minor, currency, utc(date_paid_gmt) AS processed_at
FROM orders WHERE text_of(date_paid_gmt) IS NOT NULL

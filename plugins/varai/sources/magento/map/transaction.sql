-- One row per order that was paid: the order tells how much, and by which means.
SELECT nth, id || '#payment' AS source_id, id AS root_id, stamp AS source_updated_at,
    id AS order_id, 'sale' AS kind, 'success' AS status, text_of(payment.method) AS gateway,
    base_total_paid AS amount_minor, currency, NULL::VARCHAR AS processed_at
FROM orders WHERE minor_of(base_total_paid, exponent) > 0

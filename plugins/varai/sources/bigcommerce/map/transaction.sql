-- One row per order that was paid, or whose payment was authorised: the order tells how much, and by which means.
SELECT nth, id || '#payment' AS source_id, id AS root_id, stamp AS source_updated_at,
    id AS order_id, CASE WHEN payment_status = 'authorized' THEN 'authorization' ELSE 'sale' END AS kind, 'success' AS status,
    text_of(payment_method) AS gateway, total_inc_tax AS amount_minor, currency, coalesce(is_test(payment_method), false) AS test, NULL::VARCHAR AS processed_at
FROM orders WHERE list_contains(['authorized', 'captured', 'paid', 'partially refunded', 'refunded'], payment_status)

-- One row per line given back, whole or in part; money given back for goods that are kept has the quantity 0.
SELECT nth, one.id AS source_id, order_id AS root_id, created_at AS source_updated_at,
    refund_id, order_id,
    refunded_line(one.meta_data) AS line_id,
    CASE WHEN fee THEN 1 ELSE abs(parse_integer(one.quantity)) END AS quantity,
    -minor_of(one.total, exponent) AS subtotal_minor,
    -minor_of(one.total_tax, exponent) AS tax_minor,
    currency
FROM (
    SELECT nth, refund_id, order_id, created_at, currency, exponent, false AS fee, unnest(line_items) AS one FROM refunds
    UNION ALL
    SELECT nth, refund_id, order_id, created_at, currency, exponent, true, unnest(fee_lines) FROM refunds
)

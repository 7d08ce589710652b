-- One row per line that coupons made cheaper; how several coupons share it is not said.
SELECT nth, one.id || '#discount' AS source_id, order_id AS root_id, stamp AS source_updated_at,
    order_id, one.id AS line_id, minor_of(one.subtotal, exponent) - minor_of(one.total, exponent) AS amount_minor, currency,
    CASE WHEN len(coupon_lines) > 0 THEN 'code' ELSE 'manual' END AS kind
FROM sold WHERE NOT fee AND minor_of(one.subtotal, exponent) <> minor_of(one.total, exponent)

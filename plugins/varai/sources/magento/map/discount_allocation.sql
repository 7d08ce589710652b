-- One row per line that rules of the cart made cheaper; how several rules share it is not said.
SELECT nth, one.item_id || '#discount' AS source_id, order_id AS root_id, stamp AS source_updated_at,
    order_id, one.item_id AS line_id, cheaper AS amount_minor, currency,
    CASE WHEN text_of(coupon_code) IS NULL THEN 'automatic' ELSE 'code' END AS kind
FROM valued WHERE cheaper <> 0

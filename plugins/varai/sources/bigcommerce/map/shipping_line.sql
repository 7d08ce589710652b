-- One row per delivery; what a coupon takes off it is off its cost.
SELECT nth, 'shipping/' || one.id AS source_id, order_id AS root_id, stamp AS source_updated_at,
    order_id, text_of(one.shipping_method) AS title, one.cost_ex_tax AS price_minor, one.cost_ex_tax AS discounted_minor, currency
FROM deliveries

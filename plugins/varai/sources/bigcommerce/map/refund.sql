-- One row per refund. What the total has beyond goods and delivery, the store gave, or kept back, without naming a line.
SELECT refunds.nth, one.id AS source_id, order_id AS root_id, one.created AS source_updated_at,
    order_id,
    one.created AS created_at,
    one.created AS processed_at,
    day_of(one.created) AS processed_on,
    one.total_amount AS total_minor,
    coalesce(delivery, 0) AS shipping_minor,
    coalesce(delivery_back.tax, 0) AS shipping_tax_minor,
    minor_of(one.total_amount, exponent) - coalesce(amount, 0) - coalesce(delivery, 0) - coalesce(delivery_back.tax, 0) AS adjustment_minor,
    0::BIGINT AS adjustment_tax_minor,
    currency
FROM refunds
LEFT JOIN (SELECT nth, refund_id, sum(goods + tax)::BIGINT AS amount FROM goods_back GROUP BY nth, refund_id) AS parts
    ON parts.nth = refunds.nth AND parts.refund_id = one.id
LEFT JOIN delivery_back ON delivery_back.nth = refunds.nth AND delivery_back.refund_id = one.id

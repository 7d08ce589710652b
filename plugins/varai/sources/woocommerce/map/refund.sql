-- One row per refund. Parts are negative; what the amount has beyond them, the shop gave without naming a line.
SELECT nth, refund_id AS source_id, order_id AS root_id, created_at AS source_updated_at,
    order_id,
    created_at,
    created_at AS processed_at,
    day_of(created_at) AS processed_on,
    amount AS total_minor,
    delivery AS shipping_minor,
    delivery_tax AS shipping_tax_minor,
    minor_of(amount, exponent) - goods - goods_tax - delivery - delivery_tax AS adjustment_minor,
    0::BIGINT AS adjustment_tax_minor,
    currency
FROM (
    SELECT *,
        -coalesce(list_sum(list_transform(shipping_lines, one -> minor_of(one.total, exponent))), 0) AS delivery,
        -coalesce(list_sum(list_transform(shipping_lines, one -> minor_of(one.total_tax, exponent))), 0) AS delivery_tax,
        -coalesce(list_sum(list_transform(list_concat(line_items, fee_lines), one -> minor_of(one.total, exponent))), 0) AS goods,
        -coalesce(list_sum(list_transform(list_concat(line_items, fee_lines), one -> minor_of(one.total_tax, exponent))), 0) AS goods_tax
    FROM refunds
)

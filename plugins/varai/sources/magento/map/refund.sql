-- One row per credit memo. What the total has beyond goods and delivery, the shop gave, or kept back, without naming a line.
SELECT refunds.nth, entity_id AS source_id, order_key AS root_id, utc(coalesce(updated_at, created_at)) AS source_updated_at,
    order_key AS order_id,
    made_at AS created_at,
    made_at AS processed_at,
    day_of(made_at) AS processed_on,
    base_grand_total AS total_minor,
    coalesce(minor_of(base_shipping_amount, exponent), 0) AS shipping_minor,
    coalesce(minor_of(base_shipping_tax_amount, exponent), 0) AS shipping_tax_minor,
    minor_of(base_grand_total, exponent) - coalesce(parts.amount, 0) - coalesce(minor_of(base_shipping_amount, exponent), 0)
        - coalesce(minor_of(base_shipping_tax_amount, exponent), 0) AS adjustment_minor,
    0::BIGINT AS adjustment_tax_minor,
    currency
FROM refunds LEFT JOIN (SELECT nth, sum(goods + tax)::BIGINT AS amount FROM given_back GROUP BY nth) AS parts ON parts.nth = refunds.nth

-- One row per tax and line, of goods and of the delivery; a tax on what lies inside a line is the line's. Of orders that do not tell their
-- taxes, one row per taxed line.
SELECT nth, line_id || mark || each.code AS source_id, order_id AS root_id, stamp AS source_updated_at,
    order_id, line_id, each.title AS title,
    parse_decimal(each.percent) * CAST('0.01' AS DECIMAL(3, 2)) AS rate,
    amount AS amount_minor, currency
FROM (
    SELECT nth, order_id, stamp, currency, line_id, '#tax/' AS mark, {'code': each.code, 'title': each.title, 'percent': each.percent} AS each,
        sum(CASE WHEN told THEN minor_of(each.base_amount, exponent) ELSE tax END)::BIGINT AS amount
    FROM (
        SELECT nth, order_id, stamp, currency, exponent, one.item_id AS line_id, tax, len(taxed) > 0 AS told,
            unnest(CASE
                WHEN len(taxed) > 0 THEN flatten(list_transform(list_filter(taxed, each -> each.item_id = one.item_id
                    OR list_contains(list_transform(inside, part -> part.item_id), each.item_id)), each -> each.applied_taxes))
                WHEN tax <> 0 THEN untold(NULL) END) AS each
        FROM valued
    ) GROUP BY ALL
    UNION ALL
    SELECT nth, order_id, stamp, currency, order_id || '#shipping', '#tax/',
        {'code': each.code, 'title': each.title, 'percent': each.percent}, minor_of(each.base_amount, exponent)
    FROM (
        SELECT nth, id AS order_id, stamp, currency, exponent,
            unnest(CASE
                WHEN len(extension_attributes.item_applied_taxes) > 0
                    THEN flatten(list_transform(list_filter(extension_attributes.item_applied_taxes, each -> each.type = 'shipping'),
                        each -> each.applied_taxes))
                WHEN minor_of(base_shipping_tax_amount, exponent) <> 0 THEN untold(base_shipping_tax_amount) END) AS each
        FROM orders
    )
)

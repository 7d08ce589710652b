-- One row per tax and line, of goods and of the delivery; a tax on what lies inside a line is the line's. Of orders that do not tell their
-- taxes, one row per taxed line.
SELECT nth, line_id || mark || code AS source_id, order_id AS root_id, stamp AS source_updated_at,
    order_id, line_id, title,
    parse_decimal(percent) * CAST('0.01' AS DECIMAL(3, 2)) AS rate,
    amount AS amount_minor, currency
FROM (
    SELECT nth, order_id, stamp, currency, one.item_id AS line_id, '#tax/' AS mark, each.code AS code, each.title AS title,
        each.percent AS percent, sum(minor_of(each.base_amount, exponent))::BIGINT AS amount
    FROM (
        SELECT nth, order_id, stamp, currency, exponent, one, unnest(flatten(list_transform(list_filter(taxed, each -> each.item_id = one.item_id
            OR list_contains(list_transform(inside, part -> part.item_id), each.item_id)), each -> each.applied_taxes))) AS each
        FROM valued
    ) GROUP BY ALL
    UNION ALL
    SELECT nth, order_id, stamp, currency, one.item_id, '#tax/', 'all', NULL, NULL, tax FROM valued
    WHERE tax <> 0 AND coalesce(len(taxed), 0) = 0
    UNION ALL
    SELECT nth, order_id, stamp, currency, order_id || '#shipping', '#tax/', each.code, each.title, each.percent,
        minor_of(each.base_amount, exponent)
    FROM (
        SELECT nth, id AS order_id, stamp, currency, exponent,
            unnest(flatten(list_transform(list_filter(extension_attributes.item_applied_taxes, each -> each.type = 'shipping'),
                each -> each.applied_taxes))) AS each
        FROM orders
    )
    UNION ALL
    SELECT nth, id, stamp, currency, id || '#shipping', '#tax/', 'all', NULL, NULL, minor_of(base_shipping_tax_amount, exponent)
    FROM orders WHERE minor_of(base_shipping_tax_amount, exponent) <> 0 AND coalesce(len(extension_attributes.item_applied_taxes), 0) = 0
)

-- One row per rate and line, of goods, fees and deliveries. Names and rates stand beside the lines, by the rate's id.
SELECT nth, line_id || mark || tax.id AS source_id, order_id AS root_id, stamp AS source_updated_at,
    order_id, line_id,
    rate.label AS title,
    parse_decimal(rate.rate_percent) * CAST('0.01' AS DECIMAL(3, 2)) AS rate,
    tax.total AS amount_minor,
    currency
FROM (
    SELECT *, list_filter(tax_lines, each -> each.rate_id = tax.id)[1] AS rate
    FROM (
        SELECT nth, one.id AS line_id, '#tax/' AS mark, order_id, stamp, currency, tax_lines, unnest(one.taxes) AS tax FROM sold
        UNION ALL
        SELECT nth, one.id, '#shipping-tax/', order_id, stamp, currency, tax_lines, unnest(one.taxes) FROM deliveries
    )
) WHERE text_of(tax.total) IS NOT NULL

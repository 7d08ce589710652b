-- One row per line, charge and delivery that is taxed. What a tax is called, and its rate, only a request per order would tell.
SELECT nth, line_id || '#tax' AS source_id, order_id AS root_id, stamp AS source_updated_at,
    order_id, line_id, NULL::VARCHAR AS title, NULL::VARCHAR AS rate, amount AS amount_minor, currency
FROM (
    SELECT nth, one.id AS line_id, order_id, stamp, currency, tax AS amount FROM sold
    UNION ALL
    SELECT nth, charge_id, order_id, stamp, currency, minor_of(tax, exponent) FROM charged
    UNION ALL
    SELECT nth, 'shipping/' || one.id, order_id, stamp, currency, minor_of(one.cost_tax, exponent) FROM deliveries
) WHERE amount <> 0

-- One row per tax and line, of order lines and of shipping lines; neither taxes nor allocations have ids of their own.
SELECT nth, line_id || mark || place AS source_id, order_id AS root_id, stamp AS source_updated_at,
    order_id, line_id,
    tax.title AS title,
    tax.rate AS rate,
    tax."priceSet"."shopMoney".amount AS amount_minor,
    tax."priceSet"."shopMoney"."currencyCode" AS currency
FROM (
    SELECT nth, gid_tail(id) AS line_id, '#tax/' AS mark, parent AS order_id, stamp,
        unnest("taxLines") AS tax, generate_subscripts("taxLines", 1) - 1 AS place
    FROM line_items
    UNION ALL
    SELECT nth, gid_tail(id), '#shipping-tax/', parent, stamp,
        unnest("taxLines"), generate_subscripts("taxLines", 1) - 1
    FROM shipping_lines
)

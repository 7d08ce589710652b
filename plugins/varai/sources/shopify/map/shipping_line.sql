-- One row per shipping line.
SELECT nth, coalesce(gid_tail(id), parent || '#shipping/' || place) AS source_id, parent AS root_id, stamp AS source_updated_at,
    parent AS order_id,
    title,
    "originalPriceSet"."shopMoney".amount AS price_minor,
    "discountedPriceSet"."shopMoney".amount AS discounted_minor,
    "originalPriceSet"."shopMoney"."currencyCode" AS currency
FROM shipping_lines

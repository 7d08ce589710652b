-- One row per order with a tip. The vendor gives their sum.
SELECT nth, gid_tail(id) || '#tip' AS source_id, gid_tail(id) AS root_id, "updatedAt" AS source_updated_at,
    gid_tail(id) AS order_id,
    "totalTipReceivedSet"."shopMoney".amount AS amount_minor,
    "totalTipReceivedSet"."shopMoney"."currencyCode" AS currency
FROM lines
WHERE "__parentId" IS NULL AND "totalTipReceivedSet"."shopMoney".amount IS NOT NULL
    AND parse_decimal("totalTipReceivedSet"."shopMoney".amount) IS DISTINCT FROM 0

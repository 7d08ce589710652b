-- One row per allocation to an order line.
SELECT nth, line_id || '#discount/' || place AS source_id, order_id AS root_id, stamp AS source_updated_at,
    order_id, line_id,
    part."allocatedAmountSet"."shopMoney".amount AS amount_minor,
    part."allocatedAmountSet"."shopMoney"."currencyCode" AS currency,
    CASE part."discountApplication".__typename
        WHEN 'DiscountCodeApplication' THEN 'code' WHEN 'AutomaticDiscountApplication' THEN 'automatic'
        WHEN 'ManualDiscountApplication' THEN 'manual' WHEN 'ScriptDiscountApplication' THEN 'script' END AS kind
FROM (
    SELECT nth, gid_tail(id) AS line_id, parent AS order_id, stamp,
        unnest("discountAllocations") AS part, generate_subscripts("discountAllocations", 1) - 1 AS place
    FROM line_items
)

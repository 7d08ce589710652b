-- One row per refund.
SELECT nth, gid_tail(id) AS source_id, parent AS root_id, stamp AS source_updated_at,
    parent AS order_id,
    "createdAt" AS created_at,
    "processedAt" AS processed_at,
    day_of("processedAt") AS processed_on,
    "totalRefundedSet"."shopMoney".amount AS total_minor,
    "totalRefundedSet"."shopMoney"."currencyCode" AS currency
FROM refund_records

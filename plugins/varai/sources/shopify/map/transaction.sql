-- One row per transaction; they come inside their order in either shape.
SELECT nth, gid_tail(one.id) AS source_id, order_id AS root_id, stamp AS source_updated_at,
    order_id,
    lower(one.kind) AS kind,
    lower(one.status) AS status,
    one.gateway AS gateway,
    one."amountSet"."shopMoney".amount AS amount_minor,
    one."amountSet"."shopMoney"."currencyCode" AS currency,
    one.test AS test,
    one."processedAt" AS processed_at
FROM (
    SELECT nth, gid_tail(id) AS order_id, "updatedAt" AS stamp, unnest(transactions) AS one
    FROM lines WHERE "__parentId" IS NULL
)

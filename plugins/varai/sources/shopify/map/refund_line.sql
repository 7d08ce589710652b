-- One row per refunded line.
SELECT nth, coalesce(gid_tail(one.id), refund_id || '#line/' || place) AS source_id, order_id AS root_id, stamp AS source_updated_at,
    refund_id, order_id,
    gid_tail(one."lineItem".id) AS line_id,
    one.quantity AS quantity,
    one."subtotalSet"."shopMoney".amount AS subtotal_minor,
    one."totalTaxSet"."shopMoney".amount AS tax_minor,
    one."subtotalSet"."shopMoney"."currencyCode" AS currency,
    lower(one."restockType") AS reason
FROM (
    SELECT nth, gid_tail(id) AS refund_id, parent AS order_id, stamp,
        unnest("refundLineItems".nodes) AS one, generate_subscripts("refundLineItems".nodes, 1) - 1 AS place
    FROM refund_records
)

-- One row per line that sells gift cards, at their face value, and per transaction that one pays or is paid back by. Both are parts of the
-- order: the cards themselves can be read by few apps only.
SELECT nth, source_id, order_id AS root_id, stamp AS source_updated_at, order_id, line_id, transaction_id, kind,
    amount AS amount_minor, currency, processed_at,
    [CASE WHEN amount IS NULL THEN 'malformed_number:amount_minor' END] AS faults
FROM (
    SELECT nth, line_id || '#issued' AS source_id, order_id, stamp, line_id, NULL::VARCHAR AS transaction_id, 'issued' AS kind,
        half_even_long(total, scale) AS amount, currency, NULL::VARCHAR AS processed_at
    FROM (
        SELECT nth, gid_tail(id) AS line_id, parent AS order_id, stamp, "originalUnitPriceSet"."shopMoney"."currencyCode" AS currency,
            millionths(parse_decimal("originalUnitPriceSet"."shopMoney".amount))::HUGEINT * parse_integer(quantity) AS total,
            scale_of(exponent_of("originalUnitPriceSet"."shopMoney"."currencyCode")) AS scale
        FROM line_items WHERE parse_boolean("isGiftCard")
    )
    UNION ALL
    SELECT nth, gid_tail(one.id) || '#moved', order_id, stamp, NULL, gid_tail(one.id),
        CASE one.kind WHEN 'REFUND' THEN 'credited' ELSE 'redeemed' END,
        CASE one.kind WHEN 'REFUND' THEN 1 ELSE -1 END
            * to_minor(one."amountSet"."shopMoney".amount, one."amountSet"."shopMoney"."currencyCode"),
        one."amountSet"."shopMoney"."currencyCode", one."processedAt"
    FROM (
        SELECT nth, gid_tail(id) AS order_id, "updatedAt" AS stamp, unnest(transactions) AS one
        FROM lines WHERE "__parentId" IS NULL
    )
    WHERE one.gateway = 'gift_card' AND one.status = 'SUCCESS' AND one.kind IN ('SALE', 'CAPTURE', 'REFUND')
)

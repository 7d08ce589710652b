-- One row per refund. An adjustment says what it does to the order: money that the shopper is given beyond what was calculated is negative
-- there, and positive here.
SELECT nth, gid_tail(id) AS source_id, parent AS root_id, stamp AS source_updated_at,
    parent AS order_id,
    "createdAt" AS created_at,
    "processedAt" AS processed_at,
    day_of("processedAt") AS processed_on,
    "totalRefundedSet"."shopMoney".amount AS total_minor,
    list_sum(shipping) AS shipping_minor,
    list_sum(shipping_taxes) AS shipping_tax_minor,
    -list_sum(adjustments) AS adjustment_minor,
    -list_sum(adjustment_taxes) AS adjustment_tax_minor,
    "totalRefundedSet"."shopMoney"."currencyCode" AS currency,
    [lost_amount(shipping, 'shipping_minor'), lost_amount(shipping_taxes, 'shipping_tax_minor'),
     lost_amount(adjustments, 'adjustment_minor'), lost_amount(adjustment_taxes, 'adjustment_tax_minor')] AS faults
FROM (
    SELECT *, minors_of(list_transform("refundShippingLines".nodes, one -> one."subtotalAmountSet")) AS shipping,
        minors_of(list_transform("refundShippingLines".nodes, one -> one."taxAmountSet")) AS shipping_taxes,
        minors_of(list_transform("orderAdjustments".nodes, one -> one."amountSet")) AS adjustments,
        minors_of(list_transform("orderAdjustments".nodes, one -> one."taxAmountSet")) AS adjustment_taxes
    FROM refund_records
)

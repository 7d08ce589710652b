-- One row per line that costs less than its price.
SELECT nth, one.id || '#discount' AS source_id, order_id AS root_id, stamp AS source_updated_at,
    order_id, one.id AS line_id, cheaper AS amount_minor, currency,
    CASE WHEN len(list_filter(one.applied_discounts, each -> text_of(each.code) IS NOT NULL)) > 0 THEN 'code'
        WHEN len(list_filter(one.applied_discounts, each -> each.id = 'manual-discount')) > 0 THEN 'manual'
        WHEN vouchers > 0 THEN 'code' ELSE 'automatic' END AS kind
FROM sold WHERE cheaper <> 0

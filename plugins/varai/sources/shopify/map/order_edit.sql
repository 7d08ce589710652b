-- One row per edit. What is taken out is counted without its sign, whichever the vendor gives it.
SELECT nth, gid_tail(id) AS source_id, order_id AS root_id, stamp AS source_updated_at,
    order_id,
    "happenedAt" AS happened_at,
    day_of("happenedAt") AS happened_on,
    pieces_of(added) AS added_quantity,
    pieces_of(removed) AS removed_quantity,
    list_sum(added_amounts) AS added_minor,
    abs(list_sum(removed_amounts)) AS removed_minor,
    list_sum(changed_amounts) AS changed_minor,
    coalesce(parts[1]."totalAmount"."shopMoney"."currencyCode", shop_currency()) AS currency,
    [lost_amount(added_amounts, 'added_minor'), lost_amount(removed_amounts, 'removed_minor'),
     lost_amount(changed_amounts, 'changed_minor')] AS faults
FROM (
    SELECT *, totals_of(added) AS added_amounts, totals_of(removed) AS removed_amounts,
        totals_of(list_filter(parts, one -> one."actionType" NOT IN ('ORDER', 'RETURN'))) AS changed_amounts
    FROM (
        SELECT nth, id, gid_tail("__parentId") AS order_id, "updatedAt" AS stamp, "happenedAt", sales.nodes AS parts,
            list_filter(sales.nodes, one -> one."actionType" = 'ORDER') AS added,
            list_filter(sales.nodes, one -> one."actionType" = 'RETURN') AS removed
        FROM lines WHERE "__parentId" IS NOT NULL AND "happenedAt" IS NOT NULL
    )
)

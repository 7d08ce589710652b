-- One row per shipment; they come inside their order in either shape. A tracking number leads to an address, so it stays in sealed landing.
SELECT nth, gid_tail(one.id) AS source_id, order_id AS root_id, stamp AS source_updated_at,
    order_id,
    gid_tail(one.location.id) AS location_id,
    lower(one.status) AS status,
    lower(one."displayStatus") AS delivery_status,
    one."totalQuantity" AS quantity,
    text_of(one."trackingInfo"[1].company) AS carrier,
    text_of(one.service."serviceName") AS service,
    coalesce(len(list_filter(one."trackingInfo", info -> text_of(info.number) IS NOT NULL)), 0) > 0 AS tracked,
    one."createdAt" AS created_at,
    one."inTransitAt" AS in_transit_at,
    one."estimatedDeliveryAt" AS estimated_delivery_at,
    one."deliveredAt" AS delivered_at
FROM (
    SELECT nth, gid_tail(id) AS order_id, "updatedAt" AS stamp, unnest(fulfillments) AS one
    FROM lines WHERE "__parentId" IS NULL
)

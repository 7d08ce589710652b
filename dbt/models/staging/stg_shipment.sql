select
    tenant,
    feed,
    source_id as shipment_id,
    source_updated_at,
    ingested_at,
    order_id,
    location_id,
    status,
    delivery_status,
    quantity,
    carrier,
    service,
    tracked,
    created_at,
    in_transit_at,
    estimated_delivery_at,
    delivered_at,
    flags,
    score
from {{ source('raw', 'shipment') }}
where not deleted

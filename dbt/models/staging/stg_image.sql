select
    tenant,
    feed,
    source_id as image_id,
    source_updated_at,
    ingested_at,
    product_id,
    url,
    alt,
    width_px,
    height_px,
    sort_order,
    flags,
    score
from {{ source('raw', 'image') }}
where not deleted

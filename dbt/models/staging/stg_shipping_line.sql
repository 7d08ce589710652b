select
    tenant,
    feed,
    source_id as shipping_line_id,
    source_updated_at,
    ingested_at,
    order_id,
    title,
    price_minor,
    discounted_minor,
    currency,
    flags,
    score
from {{ source('raw', 'shipping_line') }}
where not deleted

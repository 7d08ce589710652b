select
    tenant,
    feed,
    source_id as refund_id,
    source_updated_at,
    ingested_at,
    order_id,
    created_at,
    processed_at,
    processed_on,
    total_minor,
    shipping_minor,
    shipping_tax_minor,
    adjustment_minor,
    adjustment_tax_minor,
    currency,
    flags,
    score
from {{ source('raw', 'refund') }}
where not deleted

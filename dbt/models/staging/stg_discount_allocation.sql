select
    tenant,
    feed,
    source_id as discount_allocation_id,
    source_updated_at,
    ingested_at,
    order_id,
    line_id,
    amount_minor,
    currency,
    kind,
    flags,
    score
from {{ source('raw', 'discount_allocation') }}
where not deleted

select
    tenant,
    feed,
    source_id as tip_id,
    source_updated_at,
    ingested_at,
    order_id,
    amount_minor,
    currency,
    flags,
    score
from {{ source('raw', 'tip') }}
where not deleted

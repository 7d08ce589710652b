select
    tenant,
    feed,
    source_id as transaction_id,
    source_updated_at,
    ingested_at,
    order_id,
    kind,
    status,
    gateway,
    amount_minor,
    currency,
    test,
    processed_at,
    flags,
    score
from {{ source('raw', 'transaction') }}
where not deleted

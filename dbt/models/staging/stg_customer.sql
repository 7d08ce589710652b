select
    tenant,
    feed,
    source_id as customer_id,
    source_updated_at,
    ingested_at,
    subject,
    country,
    marketing_consent,
    training_consent,
    orders_count,
    created_at,
    flags,
    score
from {{ source('raw', 'customer') }}
where not deleted

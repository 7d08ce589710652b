select
    tenant,
    feed,
    source_id as shop_id,
    source_updated_at,
    ingested_at,
    name,
    domain,
    currency,
    timezone,
    country,
    plan,
    taxes_included,
    effective_at,
    flags,
    score
from {{ source('raw', 'shop') }}
where not deleted

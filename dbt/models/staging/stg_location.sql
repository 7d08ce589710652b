select
    tenant,
    feed,
    source_id as location_id,
    source_updated_at,
    ingested_at,
    name,
    country,
    active,
    flags,
    score
from {{ source('raw', 'location') }}
where not deleted

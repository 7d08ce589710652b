select
    tenant,
    feed,
    source_id as payout_id,
    source_updated_at,
    ingested_at,
    issued_at,
    issued_on,
    status,
    kind,
    net_minor,
    charges_minor,
    refunds_minor,
    adjustments_minor,
    other_minor,
    fees_minor,
    currency,
    flags,
    score
from {{ source('raw', 'payout') }}
where not deleted

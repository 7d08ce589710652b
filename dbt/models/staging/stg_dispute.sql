select
    tenant,
    feed,
    source_id as dispute_id,
    source_updated_at,
    ingested_at,
    order_id,
    kind,
    status,
    reason,
    amount_minor,
    currency,
    initiated_at,
    evidence_due_at,
    evidence_sent_at,
    finalized_at,
    flags,
    score
from {{ source('raw', 'dispute') }}
where not deleted

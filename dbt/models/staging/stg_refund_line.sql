select
    tenant,
    feed,
    source_id as refund_line_id,
    source_updated_at,
    ingested_at,
    refund_id,
    order_id,
    line_id,
    quantity,
    subtotal_minor,
    tax_minor,
    currency,
    reason,
    flags,
    score
from {{ source('raw', 'refund_line') }}
where not deleted

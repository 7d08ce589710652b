select
    tenant,
    feed,
    source_id as tax_line_id,
    source_updated_at,
    ingested_at,
    order_id,
    line_id,
    title,
    rate,
    amount_minor,
    currency,
    flags,
    score
from {{ source('raw', 'tax_line') }}
where not deleted

select
    tenant,
    feed,
    source_id as order_edit_id,
    source_updated_at,
    ingested_at,
    order_id,
    happened_at,
    happened_on,
    added_quantity,
    removed_quantity,
    added_minor,
    removed_minor,
    changed_minor,
    currency,
    flags,
    score
from {{ source('raw', 'order_edit') }}
where not deleted

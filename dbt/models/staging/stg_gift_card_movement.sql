select
    tenant,
    feed,
    source_id as gift_card_movement_id,
    source_updated_at,
    ingested_at,
    order_id,
    line_id,
    transaction_id,
    kind,
    amount_minor,
    currency,
    processed_at,
    flags,
    score
from {{ source('raw', 'gift_card_movement') }}
where not deleted

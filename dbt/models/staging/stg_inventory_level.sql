select
    tenant,
    feed,
    source_id as inventory_level_id,
    source_updated_at,
    ingested_at,
    inventory_item_id,
    location_id,
    available,
    on_hand,
    committed,
    flags,
    score
from {{ source('raw', 'inventory_level') }}
where not deleted

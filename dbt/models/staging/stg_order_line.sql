select
    tenant,
    feed,
    source_id as line_id,
    source_updated_at,
    ingested_at,
    order_id,
    product_id,
    variant_id,
    sku,
    title,
    line_kind,
    quantity,
    unit_price,
    currency,
    gross_minor,
    discount_minor,
    tax_minor,
    rx,
    lens_type,
    flags,
    score
from {{ source('raw', 'order_line') }}
where not deleted

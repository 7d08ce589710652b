with stock as (
    select
        tenant,
        feed,
        inventory_item_id,
        cast(sum(available) as {{ dbt.type_bigint() }}) as available,
        cast(sum(on_hand) as {{ dbt.type_bigint() }}) as on_hand,
        count(*) as locations
    from {{ ref('stg_inventory_level') }}
    group by tenant, feed, inventory_item_id
)

select
    variants.tenant,
    variants.feed,
    variants.variant_id,
    variants.product_id,
    products.title as product_title,
    variants.title as variant_title,
    products.handle,
    products.brand,
    products.product_type,
    products.status,
    variants.sku,
    variants.gtin,
    variants.price,
    variants.compare_at,
    variants.currency,
    variants.unit_cost,
    variants.unit_cost_currency,
    products.frame_shape,
    products.rim,
    products.material,
    variants.colour,
    variants.size_label,
    variants.lens_width_mm,
    variants.bridge_mm,
    variants.temple_mm,
    variants.lens_height_mm,
    variants.frame_width_mm,
    variants.weight_g,
    products.rx_able,
    products.polarised,
    products.uv_category,
    coalesce(products.gift_card, false) as gift_card,
    products.created_at,
    products.published_at,
    stock.available,
    stock.on_hand,
    coalesce(stock.locations, 0) as locations,
    variants.score as quality_score,
    products.score as product_quality_score
from {{ ref('stg_variant') }} as variants
inner join {{ ref('stg_product') }} as products
    on variants.tenant = products.tenant and variants.feed = products.feed and variants.product_id = products.product_id
left join stock
    on variants.tenant = stock.tenant
    and variants.feed = stock.feed
    and variants.inventory_item_id = stock.inventory_item_id

select
    orders.tenant,
    orders.feed,
    orders.order_id,
    orders.subject,
    orders.currency,
    orders.processed_at,
    coalesce(orders.processed_on, {{ business_date('orders.processed_at', 'shops.timezone') }}) as processed_on,
    shops.timezone,
    -- Dated by the connector after these facts were known, and sold while they held; else an earlier zone may have dated it.
    coalesce(
        orders.ingested_at >= shops.ingested_at and orders.processed_at >= coalesce(shops.effective_at, shops.ingested_at),
        false
    ) as in_todays_zone,
    coalesce(orders.test, false) or not coalesce(orders.placed, true) as test,
    orders.cancelled_at is not null as cancelled,
    orders.cancelled_at,
    coalesce(orders.taxes_included, shops.taxes_included, false) as taxes_included,
    orders.financial_status,
    orders.channel,
    orders.ship_country,
    orders.ship_province,
    orders.tax_minor,
    coalesce(orders.shipping_minor, 0) as shipping_minor,
    orders.discount_minor,
    orders.total_minor
from {{ ref('stg_order') }} as orders
left join {{ ref('int_shop_chosen') }} as shops
    on orders.tenant = shops.tenant and orders.feed = shops.feed

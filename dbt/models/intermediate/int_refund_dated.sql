-- A refund of an order that is withheld takes nothing from the figures, which do not hold the sale: it is counted beside them.
-- Parts that the vendor does not state are no amounts: what they would have been stays unexplained.
select
    refunds.tenant,
    refunds.feed,
    refunds.refund_id,
    refunds.order_id,
    coalesce(refunds.currency, orders.currency) as currency,
    coalesce(refunds.processed_at, refunds.created_at) as processed_at,
    coalesce(
        refunds.processed_on,
        {{ business_date('coalesce(refunds.processed_at, refunds.created_at)', 'shops.timezone') }}
    ) as processed_on,
    orders.test,
    orders.taxes_included,
    coalesce(refunds.total_minor, 0) as total_minor,
    coalesce(refunds.shipping_minor, 0) as shipping_minor,
    coalesce(refunds.shipping_tax_minor, 0) as shipping_tax_minor,
    coalesce(refunds.adjustment_minor, 0) as adjustment_minor,
    coalesce(refunds.adjustment_tax_minor, 0) as adjustment_tax_minor
from {{ ref('stg_refund') }} as refunds
inner join {{ ref('int_order_dated') }} as orders
    on refunds.tenant = orders.tenant and refunds.feed = orders.feed and refunds.order_id = orders.order_id
left join {{ ref('int_shop_chosen') }} as shops
    on refunds.tenant = shops.tenant and refunds.feed = shops.feed

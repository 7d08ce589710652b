-- A refund says what it gave back in all and for which goods, not how much of it was shipping. What exceeds the goods and
-- their tax is taken for shipping, up to what the order's delivery cost with its tax, earlier refunds of the order first.
with goods as (
    select
        tenant,
        feed,
        refund_id,
        sum(subtotal_minor + case when taxes_included then 0 else tax_minor end) as goods_minor,
        sum(tax_minor) as tax_minor
    from {{ ref('int_refund_line_valued') }}
    group by tenant, feed, refund_id
),

beyond as (
    select
        refunds.*,
        coalesce(goods.goods_minor, 0) as goods_minor,
        coalesce(goods.tax_minor, 0) as goods_tax_minor,
        greatest(refunds.total_minor - coalesce(goods.goods_minor, 0), 0) as beyond_minor,
        coalesce(shipped.shipping_minor, 0) as shipping_minor,
        coalesce(shipped.shipping_tax_minor, 0) as shipping_tax_minor
    from {{ ref('int_refund_dated') }} as refunds
    left join goods
        on refunds.tenant = goods.tenant and refunds.feed = goods.feed and refunds.refund_id = goods.refund_id
    left join {{ ref('int_order_shipped') }} as shipped
        on refunds.tenant = shipped.tenant and refunds.feed = shipped.feed and refunds.order_id = shipped.order_id
),

running as (
    select
        *,
        sum(beyond_minor) over (
            partition by tenant, feed, order_id
            order by processed_at, refund_id
            rows between unbounded preceding and current row
        ) as beyond_so_far
    from beyond
),

capped as (
    select
        *,
        least(beyond_so_far, shipping_minor + shipping_tax_minor)
        - least(beyond_so_far - beyond_minor, shipping_minor + shipping_tax_minor) as delivery_minor
    from running
)

select
    tenant,
    feed,
    refund_id,
    order_id,
    currency,
    processed_on,
    test,
    total_minor,
    goods_minor,
    goods_tax_minor,
    delivery_minor - case
        when delivery_minor = 0 then 0
        else {{ divide_half_even('(delivery_minor * shipping_tax_minor)', 'greatest(shipping_minor + shipping_tax_minor, 1)') }}
    end as shipping_minor,
    case
        when delivery_minor = 0 then 0
        else {{ divide_half_even('(delivery_minor * shipping_tax_minor)', 'greatest(shipping_minor + shipping_tax_minor, 1)') }}
    end as shipping_tax_minor,
    total_minor - goods_minor - delivery_minor as unexplained_minor
from capped

-- A refund says what it gave back in all, for which goods, for delivery, and by how much it was adjusted. What these parts leave of
-- the whole is told as it is, and counted as none of them.
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

parts as (
    select
        refunds.*,
        coalesce(goods.goods_minor, 0) as goods_minor,
        coalesce(goods.tax_minor, 0) as goods_tax_minor,
        refunds.shipping_minor - case when refunds.taxes_included then refunds.shipping_tax_minor else 0 end as delivery_minor
    from {{ ref('int_refund_dated') }} as refunds
    left join goods
        on refunds.tenant = goods.tenant and refunds.feed = goods.feed and refunds.refund_id = goods.refund_id
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
    delivery_minor as shipping_minor,
    shipping_tax_minor,
    adjustment_minor,
    adjustment_tax_minor,
    total_minor - goods_minor - (delivery_minor + shipping_tax_minor)
    - (adjustment_minor + adjustment_tax_minor) as unexplained_minor
from parts

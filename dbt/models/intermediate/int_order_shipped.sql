-- Tax of a delivery is what the order's tax leaves after that of its lines. Where prices contain tax, the shipping price does too.
with line_taxes as (
    select tenant, feed, order_id, sum(tax_minor) as tax_minor
    from {{ ref('int_order_line_valued') }}
    group by tenant, feed, order_id
),

taxed as (
    select
        orders.*,
        coalesce(orders.tax_minor, line_taxes.tax_minor, 0) as order_tax_minor,
        case
            when orders.shipping_minor = 0 then 0
            else greatest(coalesce(orders.tax_minor, 0) - coalesce(line_taxes.tax_minor, 0), 0)
        end as shipping_tax_minor
    from {{ ref('int_order_dated') }} as orders
    left join line_taxes
        on orders.tenant = line_taxes.tenant and orders.feed = line_taxes.feed and orders.order_id = line_taxes.order_id
)

select
    tenant,
    feed,
    order_id,
    currency,
    processed_on,
    test,
    order_tax_minor as tax_minor,
    shipping_minor - case when taxes_included then shipping_tax_minor else 0 end as shipping_minor
from taxed

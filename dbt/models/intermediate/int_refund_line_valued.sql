-- A line given back that was never counted as sold, because it is withheld, is left out as well.
select
    lines.tenant,
    lines.feed,
    lines.refund_line_id,
    lines.refund_id,
    refunds.order_id,
    lines.line_id,
    sold.product_id,
    sold.variant_id,
    sold.sku,
    sold.line_kind,
    lines.quantity,
    coalesce(lines.subtotal_minor, 0) as subtotal_minor,
    coalesce(lines.tax_minor, 0) as tax_minor,
    coalesce(lines.subtotal_minor, 0)
    - case when refunds.taxes_included then coalesce(lines.tax_minor, 0) else 0 end as returns_minor,
    coalesce(lines.currency, refunds.currency) as currency,
    refunds.taxes_included,
    refunds.processed_at,
    refunds.processed_on,
    refunds.test,
    lines.reason
from {{ ref('stg_refund_line') }} as lines
inner join {{ ref('int_refund_dated') }} as refunds
    on lines.tenant = refunds.tenant and lines.feed = refunds.feed and lines.refund_id = refunds.refund_id
inner join {{ ref('stg_order_line') }} as sold
    on lines.tenant = sold.tenant and lines.feed = sold.feed and lines.line_id = sold.line_id

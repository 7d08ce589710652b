with returned as (
    select tenant, feed, line_id, sum(quantity) as quantity, sum(subtotal_minor) as subtotal_minor
    from {{ ref('int_refund_line_valued') }}
    group by tenant, feed, line_id
),

-- One "no" in any of a tenant's shops is a no. Whoever was never asked, or has no account, has not agreed.
consents as (
    select tenant, subject, min(case when training_consent then 1 else 0 end) as given
    from {{ ref('stg_customer') }}
    where subject is not null
    group by tenant, subject
)

select
    lines.tenant,
    lines.feed,
    lines.order_id,
    lines.line_id,
    lines.subject,
    coalesce(consents.given = 1, false) as trainable,
    lines.product_id,
    lines.variant_id,
    lines.sku,
    lines.title,
    lines.line_kind,
    lines.quantity,
    lines.unit_price,
    lines.gross_minor,
    lines.discount_minor,
    lines.code_discount_minor,
    lines.tax_minor,
    lines.taxes_included,
    lines.gross_sales_minor,
    lines.discounts_minor,
    coalesce(cast(returned.quantity as {{ dbt.type_bigint() }}), 0) as refunded_quantity,
    coalesce(cast(returned.subtotal_minor as {{ dbt.type_bigint() }}), 0) as refunded_minor,
    lines.currency,
    lines.processed_at,
    lines.processed_on,
    lines.test,
    lines.cancelled,
    lines.cancelled_at,
    lines.financial_status,
    lines.channel,
    lines.ship_country,
    lines.ship_province,
    lines.rx,
    lines.lens_type
from {{ ref('int_order_line_valued') }} as lines
left join returned
    on lines.tenant = returned.tenant and lines.feed = returned.feed and lines.line_id = returned.line_id
left join consents
    on lines.tenant = consents.tenant and lines.subject = consents.subject

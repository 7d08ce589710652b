-- In a shop whose prices contain tax, Shopify's reports show sales without it ("Gross sales": price x quantity before
-- taxes, discounts, shipping and returns; help.shopify.com, "Sales reports"). What a line is worth without tax follows from
-- its tax rates; the discount is what remains, so that gross - discount + tax is exactly what the shopper was asked for.
with taxes as (
    select
        tenant,
        feed,
        line_id,
        sum(amount_minor) as amount_minor,
        sum(cast(rate * 1000000 as {{ dbt.type_bigint() }})) as rate_millionths
    from {{ ref('stg_tax_line') }}
    where line_id is not null
    group by tenant, feed, line_id
),

allocations as (
    select tenant, feed, line_id, sum(amount_minor) as code_minor
    from {{ ref('stg_discount_allocation') }}
    where kind = 'code'
    group by tenant, feed, line_id
),

lines as (
    select
        lines.*,
        orders.subject,
        orders.processed_at,
        orders.processed_on,
        orders.test,
        orders.cancelled,
        orders.cancelled_at,
        orders.taxes_included,
        orders.financial_status,
        orders.channel,
        orders.ship_country,
        orders.ship_province,
        coalesce(lines.discount_minor, 0) as discounted_minor,
        coalesce(lines.tax_minor, taxes.amount_minor, 0) as taxed_minor,
        coalesce(taxes.rate_millionths, 0) as rate_millionths,
        coalesce(allocations.code_minor, 0) as code_discount_minor
    from {{ ref('stg_order_line') }} as lines
    inner join {{ ref('int_order_dated') }} as orders
        on lines.tenant = orders.tenant and lines.feed = orders.feed and lines.order_id = orders.order_id
    left join taxes
        on lines.tenant = taxes.tenant and lines.feed = taxes.feed and lines.line_id = taxes.line_id
    left join allocations
        on lines.tenant = allocations.tenant and lines.feed = allocations.feed and lines.line_id = allocations.line_id
),

valued as (
    select
        *,
        case
            when not taxes_included then gross_minor
            when taxed_minor = 0 and gross_minor <> discounted_minor then gross_minor
            when discounted_minor = 0 then gross_minor - taxed_minor
            when rate_millionths > 0
                then {{ divide_half_even('(gross_minor * 1000000)', '(1000000 + rate_millionths)') }}
            when gross_minor > discounted_minor
                then {{ divide_half_even(
                    '(gross_minor * (gross_minor - discounted_minor - taxed_minor))', '(gross_minor - discounted_minor)'
                ) }}
            else gross_minor
        end as gross_sales_minor
    from lines
)

select
    tenant,
    feed,
    line_id,
    order_id,
    subject,
    product_id,
    variant_id,
    sku,
    title,
    line_kind,
    quantity,
    unit_price,
    currency,
    gross_minor,
    discounted_minor as discount_minor,
    code_discount_minor,
    taxed_minor as tax_minor,
    taxes_included,
    gross_sales_minor,
    case
        when taxes_included then gross_sales_minor - (gross_minor - discounted_minor - taxed_minor)
        else discounted_minor
    end as discounts_minor,
    processed_at,
    processed_on,
    test,
    cancelled,
    cancelled_at,
    financial_status,
    channel,
    ship_country,
    ship_province,
    rx,
    lens_type
from valued

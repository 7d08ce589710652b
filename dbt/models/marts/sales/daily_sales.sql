-- Definitions follow Shopify's sales reports: sales count on the day they were processed, returns on the day of the refund;
-- cancelled and unpaid orders count, test and deleted ones do not; the sale of a gift card is a liability and stands apart.
with movements as (
    select
        tenant,
        feed,
        processed_on as booked_on,
        currency,
        0 as orders,
        case when line_kind = 'gift_card' then 0 else quantity end as units,
        0 as units_returned,
        case when line_kind = 'gift_card' then 0 else gross_sales_minor end as gross_sales_minor,
        case when line_kind = 'gift_card' then 0 else discounts_minor end as discounts_minor,
        0 as returns_minor,
        0 as tax_minor,
        0 as shipping_minor,
        case when line_kind = 'gift_card' then gross_sales_minor - discounts_minor else 0 end as gift_card_sales_minor,
        0 as refunded_minor,
        0 as adjustments_minor,
        0 as unexplained_minor
    from {{ ref('int_order_line_valued') }}
    where not test

    union all

    select
        tenant, feed, processed_on, currency, 1, 0, 0, 0, 0, 0, tax_minor, shipping_minor, 0, 0, 0, 0
    from {{ ref('int_order_shipped') }}
    where not test

    union all

    select
        tenant,
        feed,
        processed_on,
        currency,
        0,
        0,
        case when line_kind = 'gift_card' then 0 else quantity end,
        0,
        0,
        case when line_kind = 'gift_card' then 0 else returns_minor end,
        0,
        0,
        case when line_kind = 'gift_card' then -returns_minor else 0 end,
        0,
        0,
        0
    from {{ ref('int_refund_line_valued') }}
    where not test

    union all

    select
        tenant,
        feed,
        processed_on,
        currency,
        0,
        0,
        0,
        0,
        0,
        0,
        -(goods_tax_minor + shipping_tax_minor + adjustment_tax_minor),
        -shipping_minor,
        0,
        total_minor,
        adjustment_minor,
        unexplained_minor
    from {{ ref('int_refund_split') }}
    where not test
),

summed as (
    select
        tenant,
        feed,
        booked_on,
        currency,
        cast(sum(orders) as {{ dbt.type_bigint() }}) as orders,
        cast(sum(units) as {{ dbt.type_bigint() }}) as units,
        cast(sum(units_returned) as {{ dbt.type_bigint() }}) as units_returned,
        cast(sum(gross_sales_minor) as {{ dbt.type_bigint() }}) as gross_sales_minor,
        cast(sum(discounts_minor) as {{ dbt.type_bigint() }}) as discounts_minor,
        cast(sum(returns_minor) as {{ dbt.type_bigint() }}) as returns_minor,
        cast(sum(tax_minor) as {{ dbt.type_bigint() }}) as tax_minor,
        cast(sum(shipping_minor) as {{ dbt.type_bigint() }}) as shipping_minor,
        cast(sum(gift_card_sales_minor) as {{ dbt.type_bigint() }}) as gift_card_sales_minor,
        cast(sum(refunded_minor) as {{ dbt.type_bigint() }}) as refunded_minor,
        cast(sum(adjustments_minor) as {{ dbt.type_bigint() }}) as adjustments_minor,
        cast(sum(unexplained_minor) as {{ dbt.type_bigint() }}) as unexplained_minor
    from movements
    group by tenant, feed, booked_on, currency
)

select
    tenant,
    feed,
    booked_on,
    currency,
    orders,
    units,
    units_returned,
    gross_sales_minor,
    discounts_minor,
    returns_minor,
    gross_sales_minor - discounts_minor - returns_minor as net_sales_minor,
    tax_minor,
    shipping_minor,
    gross_sales_minor - discounts_minor - returns_minor + tax_minor + shipping_minor as total_sales_minor,
    gift_card_sales_minor,
    refunded_minor,
    adjustments_minor,
    unexplained_minor
from summed

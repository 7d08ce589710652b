{% test order_total(model, lines, orders) %}
-- An order's own total equals its lines after discounts, its tax and its delivery (tips and duties would break it: they are not read yet).
with line_sums as (
    select tenant, feed, order_id, sum(gross_sales_minor - discounts_minor) as net_minor
    from {{ lines }}
    group by tenant, feed, order_id
)

select orders.tenant, orders.feed, orders.order_id, orders.total_minor, line_sums.net_minor, parts.tax_minor, parts.shipping_minor
from {{ orders }} as orders
inner join {{ model }} as parts
    on orders.tenant = parts.tenant and orders.feed = parts.feed and orders.order_id = parts.order_id
left join line_sums
    on orders.tenant = line_sums.tenant and orders.feed = line_sums.feed and orders.order_id = line_sums.order_id
where orders.total_minor is not null
    and orders.total_minor <> coalesce(line_sums.net_minor, 0) + parts.tax_minor + parts.shipping_minor
{% endtest %}

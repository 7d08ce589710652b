{% test refers_to(model, column, to, field, key) %}
select child.tenant, child.feed, child.{{ key }}, child.{{ column }}
from {{ model }} as child
left join {{ to }} as parent
    on child.tenant = parent.tenant and child.feed = parent.feed and child.{{ column }} = parent.{{ field }}
where child.{{ column }} is not null and parent.{{ field }} is null
{% endtest %}

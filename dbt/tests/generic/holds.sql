{% test holds(model, identity, key) %}
select tenant, feed, {{ key }}
from {{ model }}
where not coalesce({{ identity }}, false)
{% endtest %}

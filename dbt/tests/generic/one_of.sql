{% test one_of(model, column, values, key) %}
select tenant, feed, {{ key }}, {{ column }}
from {{ model }}
where {{ column }} not in ({% for value in values %}'{{ value }}'{% if not loop.last %}, {% endif %}{% endfor %})
{% endtest %}

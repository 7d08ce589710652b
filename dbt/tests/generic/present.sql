{% test present(model, columns, key) %}
select {{ (['tenant', 'feed'] + key) | unique | join(', ') }}
from {{ model }}
where {% for column in columns %}{{ column }} is null{% if not loop.last %} or {% endif %}{% endfor %}
{% endtest %}

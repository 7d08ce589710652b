{# The calendar date of an instant in an IANA zone; null when either is null. #}
{% macro business_date(instant, zone) -%}
    {{ return(adapter.dispatch('business_date')(instant, zone)) }}
{%- endmacro %}

{% macro duckdb__business_date(instant, zone) -%}
    cast(timezone({{ zone }}, {{ instant }}) as date)
{%- endmacro %}

{% macro bigquery__business_date(instant, zone) -%}
    date({{ instant }}, {{ zone }})
{%- endmacro %}

{# Exact integer division, rounded half-even; the divisor is positive. Minor units never pass through a float. #}
{% macro divide_half_even(dividend, divisor) -%}
    {{ return(adapter.dispatch('divide_half_even')(dividend, divisor)) }}
{%- endmacro %}

{% macro default__divide_half_even(dividend, divisor) -%}
    {%- set n -%} cast(abs({{ dividend }}) as {{ varai.wide_integer() }}) {%- endset -%}
    {%- set d -%} cast({{ divisor }} as {{ varai.wide_integer() }}) {%- endset -%}
    {%- set q -%} {{ varai.integer_quotient(n, d) }} {%- endset -%}
    {%- set twice_rest -%} 2 * ({{ n }} - {{ d }} * {{ q }}) {%- endset -%}
    cast(sign({{ dividend }}) * ({{ q }} + case
        when {{ twice_rest }} > {{ d }} then 1
        when {{ twice_rest }} = {{ d }} and mod({{ q }}, 2) = 1 then 1
        else 0
    end) as {{ dbt.type_bigint() }})
{%- endmacro %}

{% macro wide_integer() -%}
    {%- if target.type == 'bigquery' -%} bignumeric {%- else -%} hugeint {%- endif -%}
{%- endmacro %}

{% macro integer_quotient(dividend, divisor) -%}
    {%- if target.type == 'bigquery' -%} div({{ dividend }}, {{ divisor }})
    {%- else -%} ({{ dividend }} // {{ divisor }})
    {%- endif -%}
{%- endmacro %}

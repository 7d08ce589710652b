select tenant, feed, currency, timezone, taxes_included, effective_at, ingested_at
from (
    select
        tenant,
        feed,
        currency,
        timezone,
        taxes_included,
        effective_at,
        ingested_at,
        row_number() over (
            partition by tenant, feed
            order by effective_at desc nulls last, source_updated_at desc nulls last, shop_id desc
        ) as place
    from {{ ref('stg_shop') }}
) as shops
where place = 1

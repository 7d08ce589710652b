-- One row per store.
SELECT nth, id AS source_id, id AS root_id, seen_at AS source_updated_at,
    text_of(name) AS name,
    text_of(domain) AS domain,
    currency,
    text_of(timezone) AS timezone,
    text_of(country) AS country,
    text_of(plan) AS plan,
    prices_include_tax AS taxes_included
FROM lines WHERE "__parentId" IS NULL

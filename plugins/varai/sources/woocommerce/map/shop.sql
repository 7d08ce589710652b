-- One row per shop record.
SELECT nth, id AS source_id, id AS root_id, seen_at AS source_updated_at,
    text_of(name) AS name,
    id AS domain,
    currency,
    text_of(timezone) AS timezone,
    text_of(country) AS country,
    prices_include_tax AS taxes_included
FROM lines

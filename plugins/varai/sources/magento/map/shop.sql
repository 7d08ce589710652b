-- One row per shop record. Whether its prices contain tax, no resource tells.
SELECT nth, id AS source_id, id AS root_id, seen_at AS source_updated_at,
    text_of(name) AS name,
    id AS domain,
    currency,
    text_of(timezone) AS timezone,
    text_of(country) AS country
FROM lines WHERE "__parentId" IS NULL

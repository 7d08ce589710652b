-- One row per source of stock.
SELECT nth, source_code AS source_id, "__parentId" AS root_id, NULL::VARCHAR AS source_updated_at,
    text_of(name) AS name, text_of(country_id) AS country, enabled AS active
FROM lines WHERE "__parentId" IS NOT NULL

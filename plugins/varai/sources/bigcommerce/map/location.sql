-- One row per location of stock.
SELECT nth, location_id AS source_id, "__parentId" AS root_id, NULL::VARCHAR AS source_updated_at,
    text_of(name) AS name, text_of(country) AS country, enabled AS active
FROM lines WHERE "__parentId" IS NOT NULL

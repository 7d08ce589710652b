-- One row per location.
SELECT nth, gid_tail(id) AS source_id, gid_tail(id) AS root_id, "updatedAt" AS source_updated_at,
    name, address."countryCode" AS country, "isActive" AS active
FROM lines

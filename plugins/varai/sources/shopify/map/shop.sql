-- One row per shop record.
SELECT nth, gid_tail(id) AS source_id, gid_tail(id) AS root_id, "updatedAt" AS source_updated_at,
    text_of(name) AS name,
    coalesce("myshopifyDomain", "primaryDomain".host) AS domain,
    "currencyCode" AS currency,
    text_of("ianaTimezone") AS timezone,
    plan."publicDisplayName" AS plan,
    "taxesIncluded" AS taxes_included,
    "updatedAt" AS effective_at
FROM lines

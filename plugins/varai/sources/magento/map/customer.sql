-- One row per customer. Magento asks nobody about training; what the shop's terms say of it, the feed says.
SELECT nth, id AS source_id, id AS root_id, utc(coalesce(updated_at, created_at)) AS source_updated_at,
    id AS subject,
    text_of(firstname) AS first_name,
    text_of(lastname) AS last_name,
    text_of(email) AS email,
    text_of(address ->> '$.telephone') AS phone,
    address::VARCHAR AS address,
    text_of(address ->> '$.country_id') AS country,
    extension_attributes.is_subscribed AS marketing_consent,
    agreed_by_terms() AS training_consent,
    utc(created_at) AS created_at
FROM (
    SELECT *, coalesce(list_filter(addresses, one -> (one ->> '$.id') = default_billing)[1], addresses[1]) AS address FROM lines
)

-- One row per customer. BigCommerce keeps its newsletter apart from its customers; what the shop's terms say of training, the feed says.
SELECT nth, id AS source_id, id AS root_id, coalesce(date_modified, date_created) AS source_updated_at,
    id AS subject,
    text_of(first_name) AS first_name,
    text_of(last_name) AS last_name,
    text_of(email) AS email,
    coalesce(text_of(phone), text_of(addresses[1] ->> '$.phone')) AS phone,
    addresses[1]::VARCHAR AS address,
    text_of(addresses[1] ->> '$.country_code') AS country,
    agreed_by_terms() AS training_consent,
    date_created AS created_at
FROM lines

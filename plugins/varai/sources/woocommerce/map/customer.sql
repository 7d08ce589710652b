-- One row per customer. WooCommerce asks nobody about marketing or training; what the shop's terms say of training, the feed says.
SELECT nth, id AS source_id, id AS root_id, utc(coalesce(date_modified_gmt, date_created_gmt)) AS source_updated_at,
    id AS subject,
    text_of(first_name) AS first_name,
    text_of(last_name) AS last_name,
    text_of(email) AS email,
    text_of(TRY_CAST(billing AS JSON) ->> '$.phone') AS phone,
    billing AS address,
    text_of(TRY_CAST(billing AS JSON) ->> '$.country') AS country,
    agreed_by_terms() AS training_consent,
    utc(date_created_gmt) AS created_at
FROM lines

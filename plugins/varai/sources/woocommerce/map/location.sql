-- WooCommerce keeps one stock: the shop is its one location.
SELECT nth, 'shop' AS source_id, id AS root_id, seen_at AS source_updated_at, text_of(name) AS name, text_of(country) AS country, 'true' AS active
FROM lines

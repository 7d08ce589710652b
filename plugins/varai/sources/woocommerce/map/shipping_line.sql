-- One row per delivery charged; WooCommerce discounts goods only.
SELECT nth, one.id AS source_id, order_id AS root_id, stamp AS source_updated_at,
    order_id, one.method_title AS title, one.total AS price_minor, one.total AS discounted_minor, currency
FROM deliveries

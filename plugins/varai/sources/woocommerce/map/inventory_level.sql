-- One row per item whose stock is counted; WooCommerce keeps one stock.
SELECT nth, id || '@shop' AS source_id, parent AS root_id, utc(date_modified_gmt) AS source_updated_at,
    id AS inventory_item_id, 'shop' AS location_id, stock_quantity AS available
FROM sold WHERE parse_boolean(manage_stock)

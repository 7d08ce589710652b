-- One row per item and location. What is marked out of stock cannot be sold, whatever its quantity.
SELECT nth, item || '@' || location_id AS source_id, item || '@' || location_id AS root_id, NULL::VARCHAR AS source_updated_at,
    item AS inventory_item_id, location_id,
    total_inventory_onhand AS on_hand,
    CASE WHEN parse_boolean(settings.is_in_stock) = false THEN '0' ELSE available_to_sell END AS available
FROM (SELECT *, coalesce(nullif(identity.variant_id, '0'), 'product/' || identity.product_id) AS item FROM lines)

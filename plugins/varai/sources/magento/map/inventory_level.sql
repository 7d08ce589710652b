-- One row per item and source. What is marked out of stock cannot be sold, whatever its quantity.
SELECT nth, sku || '@' || source_code AS source_id, sku || '@' || source_code AS root_id, NULL::VARCHAR AS source_updated_at,
    sku AS inventory_item_id, source_code AS location_id,
    floor(parse_decimal(quantity))::BIGINT AS on_hand,
    CASE WHEN status = '0' THEN 0 ELSE floor(parse_decimal(quantity))::BIGINT END AS available
FROM lines

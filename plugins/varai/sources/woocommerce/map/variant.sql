-- One row per variation, and per product that has none. Prices are of the shop's own currency; the regular one is the former price while
-- the goods are on sale for less.
SELECT nth, id AS source_id, parent AS root_id, utc(date_modified_gmt) AS source_updated_at,
    parent AS product_id,
    text_of(list_aggregate(list_transform(attributes, one -> one.option), 'string_agg', ' / ')) AS title,
    text_of(sku) AS sku,
    coalesce(text_of(global_unique_id), meta_of(meta_data, ['_gtin', 'gtin', '_ean', 'ean'])) AS gtin,
    text_of(price) AS price,
    CASE WHEN parse_decimal(regular_price) <> parse_decimal(price) THEN text_of(regular_price) END AS compare_at,
    shop_currency() AS currency,
    id AS inventory_item_id,
    menu_order AS sort_order,
    attribute_of(attributes, ['colour', 'color', 'frame colour', 'frame color', 'farbe', 'couleur']) AS colour,
    attribute_of(attributes, ['size', 'eye size', 'größe', 'grösse', 'taille']) AS size_label,
    meta_of(meta_data, ['lens_width_mm', '_lens_width_mm']) AS lens_width_mm,
    meta_of(meta_data, ['bridge_mm', '_bridge_mm']) AS bridge_mm,
    meta_of(meta_data, ['temple_mm', '_temple_mm']) AS temple_mm,
    meta_of(meta_data, ['lens_height_mm', '_lens_height_mm']) AS lens_height_mm,
    meta_of(meta_data, ['frame_width_mm', '_frame_width_mm']) AS frame_width_mm,
    meta_of(meta_data, ['weight_g', '_weight_g']) AS weight_g
FROM sold

-- One row per choice, and per product that has none. Prices are of the books' currency; the regular one is the former price while the
-- goods are on sale for less.
SELECT nth, id AS source_id, parent AS root_id, utc(updated_at) AS source_updated_at,
    parent AS product_id,
    text_of(concat_ws(' / ', colour, size_label)) AS title,
    text_of(sku) AS sku,
    said(custom_attributes, ['gtin', 'ean', 'ean13', 'upc', 'barcode']) AS gtin,
    CASE WHEN reduced THEN special ELSE text_of(price) END AS price,
    CASE WHEN reduced THEN text_of(price) END AS compare_at,
    shop_currency() AS currency,
    sku AS inventory_item_id,
    colour,
    size_label,
    said(custom_attributes, ['lens_width_mm']) AS lens_width_mm,
    said(custom_attributes, ['bridge_mm']) AS bridge_mm,
    said(custom_attributes, ['temple_mm']) AS temple_mm,
    said(custom_attributes, ['lens_height_mm']) AS lens_height_mm,
    said(custom_attributes, ['frame_width_mm']) AS frame_width_mm,
    said(custom_attributes, ['weight_g']) AS weight_g
FROM (
    SELECT *, attribute_of("__labels", custom_attributes, ['color', 'colour', 'couleur', 'frame_color', 'frame_colour']) AS colour,
        attribute_of("__labels", custom_attributes, ['size', 'eye_size', 'taille']) AS size_label
    FROM sold
)

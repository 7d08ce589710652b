-- One row per variant. Where it has no number of its own and no siblings, the product's is its.
SELECT nth, one.id AS source_id, id AS root_id, date_modified AS source_updated_at,
    id AS product_id,
    text_of(list_aggregate(list_transform(one.option_values, each -> each.label), 'string_agg', ' / ')) AS title,
    text_of(one.sku) AS sku,
    coalesce(text_of(one.gtin), text_of(one.upc), CASE WHEN len(variants) = 1 THEN coalesce(text_of(gtin), text_of(upc)) END) AS gtin,
    selling AS price,
    CASE WHEN parse_decimal(regular) > parse_decimal(selling) THEN regular
        WHEN listed > parse_decimal(selling) THEN listed::VARCHAR END AS compare_at,
    shop_currency() AS currency,
    coalesce(text_of(one.cost_price), CASE WHEN parse_decimal(cost_price) <> 0 THEN cost_price END) AS unit_cost,
    CASE WHEN text_of(one.cost_price) IS NOT NULL OR parse_decimal(cost_price) <> 0 THEN shop_currency() END AS unit_cost_currency,
    one.id AS inventory_item_id,
    place AS sort_order,
    option_of(one.option_values, ['colour', 'color', 'frame colour', 'frame color', 'farbe', 'couleur']) AS colour,
    size AS size_label,
    coalesce(size_part(size, 1), field_of(custom_fields, ['lens_width_mm', 'lens width'])) AS lens_width_mm,
    coalesce(size_part(size, 2), field_of(custom_fields, ['bridge_mm', 'bridge'])) AS bridge_mm,
    coalesce(size_part(size, 3), field_of(custom_fields, ['temple_mm', 'temple', 'temple length'])) AS temple_mm,
    field_of(custom_fields, ['lens_height_mm', 'lens height']) AS lens_height_mm,
    field_of(custom_fields, ['frame_width_mm', 'frame width']) AS frame_width_mm,
    field_of(custom_fields, ['weight_g']) AS weight_g
FROM sold

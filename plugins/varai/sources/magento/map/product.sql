-- One row per product. What is not shown by itself, and is nobody's choice, is not published.
SELECT nth, id AS source_id, id AS root_id, utc(updated_at) AS source_updated_at,
    text_of(name) AS title,
    said(custom_attributes, ['url_key']) AS handle,
    said(custom_attributes, ['description']) AS description_html,
    attribute_of("__labels", custom_attributes, ['brand', 'manufacturer', 'marque', 'marke']) AS brand,
    label_of("__labels", ['__category']) AS product_type,
    CASE WHEN status = '1' THEN 'active' ELSE 'draft' END AS status,
    attribute_of("__labels", custom_attributes, ['frame_shape', 'shape', 'forme']) AS frame_shape,
    attribute_of("__labels", custom_attributes, ['rim', 'rim_type', 'cerclage']) AS rim,
    attribute_of("__labels", custom_attributes, ['material', 'frame_material', 'matiere']) AS material,
    said(custom_attributes, ['rx_able']) AS rx_able,
    said(custom_attributes, ['polarised', 'polarized']) AS polarised,
    said(custom_attributes, ['uv_category']) AS uv_category,
    type_id = 'giftcard' OR coalesce(parse_boolean(said(custom_attributes, ['gift_card'])), false) AS gift_card,
    utc(created_at) AS created_at,
    CASE WHEN status = '1' AND coalesce(visibility, '') <> '1' THEN utc(created_at) END AS published_at
FROM lines WHERE "__parentId" IS NULL

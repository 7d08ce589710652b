-- One row per product.
SELECT nth, id AS source_id, id AS root_id, date_modified AS source_updated_at,
    text_of(name) AS title,
    text_of(trim(custom_url.url, '/')) AS handle,
    description AS description_html,
    coalesce(text_of("__brand"), field_of(custom_fields, ['brand'])) AS brand,
    text_of("__category") AS product_type,
    CASE WHEN parse_boolean(is_visible) THEN 'active' ELSE 'draft' END AS status,
    list_filter(meta_keywords, one -> text_of(one) IS NOT NULL) AS tags,
    field_of(custom_fields, ['frame shape', 'frame_shape', 'shape', 'form', 'forme']) AS frame_shape,
    field_of(custom_fields, ['rim', 'rim type', 'rand']) AS rim,
    field_of(custom_fields, ['material', 'frame material', 'matériau']) AS material,
    field_of(custom_fields, ['rx_able', 'rx able', 'prescription ready']) AS rx_able,
    field_of(custom_fields, ['polarised', 'polarized']) AS polarised,
    field_of(custom_fields, ['uv_category', 'uv category']) AS uv_category,
    field_of(custom_fields, ['gift_card', 'gift card']) AS gift_card,
    date_created AS created_at,
    CASE WHEN parse_boolean(is_visible) THEN date_created END AS published_at
FROM lines

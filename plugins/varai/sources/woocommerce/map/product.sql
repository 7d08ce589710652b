-- One row per product.
SELECT nth, id AS source_id, id AS root_id, utc(date_modified_gmt) AS source_updated_at,
    text_of(name) AS title,
    slug AS handle,
    description AS description_html,
    coalesce(text_of(brands[1].name), attribute_of(attributes, ['brand', 'marke', 'marque'])) AS brand,
    text_of(categories[1].name) AS product_type,
    CASE status WHEN 'publish' THEN 'active' WHEN 'private' THEN 'archived' ELSE 'draft' END AS status,
    list_transform(tags, one -> one.name) AS tags,
    attribute_of(attributes, ['frame shape', 'shape', 'form', 'forme']) AS frame_shape,
    attribute_of(attributes, ['rim', 'rim type', 'rand']) AS rim,
    attribute_of(attributes, ['material', 'matériau']) AS material,
    meta_of(meta_data, ['rx_able', '_rx_able']) AS rx_able,
    meta_of(meta_data, ['polarised', '_polarised', 'polarized', '_polarized']) AS polarised,
    meta_of(meta_data, ['uv_category', '_uv_category']) AS uv_category,
    meta_of(meta_data, ['_gift_card']) AS gift_card,
    utc(date_created_gmt) AS created_at,
    CASE WHEN status = 'publish' THEN utc(date_created_gmt) END AS published_at
FROM lines WHERE "__parentId" IS NULL

-- One row per product.
SELECT nth, gid_tail(id) AS source_id, gid_tail(id) AS root_id, "updatedAt" AS source_updated_at,
    text_of(title) AS title,
    handle,
    "descriptionHtml" AS description_html,
    text_of(vendor) AS brand,
    text_of("productType") AS product_type,
    lower(status) AS status,
    tags,
    frame_shape.value AS frame_shape,
    rim.value AS rim,
    material.value AS material,
    rx_able.value AS rx_able,
    polarised.value AS polarised,
    uv_category.value AS uv_category,
    "isGiftCard" AS gift_card,
    "createdAt" AS created_at,
    "publishedAt" AS published_at
FROM lines WHERE "__parentId" IS NULL

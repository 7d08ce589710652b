-- One row per picture of a product.
SELECT nth, product_id || '#image/' || one.id AS source_id, product_id AS root_id, date_modified AS source_updated_at,
    product_id, coalesce(text_of(one.url_zoom), text_of(one.url_standard), text_of(one.image_url)) AS url,
    text_of(one.description) AS alt, place AS sort_order
FROM (SELECT nth, id AS product_id, date_modified, unnest(images) AS one, generate_subscripts(images, 1) AS place FROM lines)

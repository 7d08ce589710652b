-- One row per picture of a product.
SELECT nth, product_id || '#image/' || one.id AS source_id, product_id AS root_id, stamp AS source_updated_at,
    product_id, one.src AS url, text_of(one.alt) AS alt, place AS sort_order
FROM (
    SELECT nth, id AS product_id, utc(date_modified_gmt) AS stamp, unnest(images) AS one, generate_subscripts(images, 1) AS place
    FROM lines WHERE "__parentId" IS NULL
)

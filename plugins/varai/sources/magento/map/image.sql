-- One row per picture of a product that is shown.
SELECT nth, product_id || '#image/' || one.id AS source_id, parent AS root_id, stamp AS source_updated_at,
    parent AS product_id, media || one.file AS url, text_of(one.label) AS alt, one.position AS sort_order
FROM (
    SELECT nth, id AS product_id, coalesce("__parentId", id) AS parent, utc(updated_at) AS stamp, "__media" AS media,
        unnest(media_gallery_entries) AS one
    FROM lines
) WHERE one.media_type = 'image' AND coalesce(parse_boolean(one.disabled), false) = false

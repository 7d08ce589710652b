-- One row per picture. The vendor tells their order only to who reads them page by page, so it is left out.
SELECT nth, coalesce(gid_tail(id), parent || '#image/' || place) AS source_id, parent AS root_id, stamp AS source_updated_at,
    parent AS product_id, url, text_of("altText") AS alt, width AS width_px, height AS height_px
FROM images

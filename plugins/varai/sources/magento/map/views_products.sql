-- What is sold: choices, and products that have none. `parent` is the product. A special price holds on its days.
CREATE VIEW sold AS
    SELECT *, special IS NOT NULL AND coalesce(parse_decimal(special) < parse_decimal(price), false)
        AND coalesce(left(said(custom_attributes, ['special_from_date']), 10) <= left("__seen_at", 10), true)
        AND coalesce(left(said(custom_attributes, ['special_to_date']), 10) >= left("__seen_at", 10), true) AS reduced
    FROM (
        SELECT *, coalesce("__parentId", id) AS parent, said(custom_attributes, ['special_price']) AS special
        FROM lines WHERE "__parentId" IS NOT NULL OR coalesce(type_id, '') NOT IN ('configurable', 'grouped')
    );

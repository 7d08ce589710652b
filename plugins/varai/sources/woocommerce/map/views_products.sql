-- What is sold: variations, and products that have none. `parent` is the product.
CREATE VIEW sold AS
    SELECT *, "__parentId" AS parent FROM lines WHERE "__parentId" IS NOT NULL
    UNION ALL
    SELECT *, id AS parent FROM lines WHERE "__parentId" IS NULL AND coalesce(type, '') IN ('simple', 'external', 'subscription');

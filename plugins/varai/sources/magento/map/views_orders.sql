CREATE VIEW orders AS SELECT *, utc(updated_at) AS stamp, base_currency_code AS currency, exponent_of(base_currency_code) AS exponent
    FROM lines WHERE "__parentId" IS NULL;

-- What was sold, once: a product with choices and a bundle are a line that has the price, with lines inside that have the parts.
CREATE VIEW sold AS
    SELECT nth, order_id, stamp, currency, exponent, coupon_code, taxed, one,
        list_filter(items, each -> each.parent_item_id = one.item_id) AS inside
    FROM (
        SELECT nth, id AS order_id, stamp, currency, exponent, coupon_code, extension_attributes.item_applied_taxes AS taxed, items,
            unnest(items) AS one
        FROM orders
    ) WHERE text_of(one.parent_item_id) IS NULL;

CREATE VIEW valued AS
    SELECT *,
        own_or_inside(minor_of(one.base_row_total, exponent), list_transform(inside, each -> minor_of(each.base_row_total, exponent))) AS gross,
        own_or_inside(off(one, exponent), list_transform(inside, each -> off(each, exponent))) AS cheaper,
        own_or_inside(minor_of(one.base_tax_amount, exponent), list_transform(inside, each -> minor_of(each.base_tax_amount, exponent))) AS tax
    FROM sold;

-- Refunds are lines of their own; what lies inside what, and the currency of the books, is written into them as they are read.
CREATE VIEW refunds AS
    SELECT *, utc(created_at) AS made_at, "__currency" AS currency, exponent_of("__currency") AS exponent, "__parentId" AS order_key
    FROM lines WHERE "__parentId" IS NOT NULL;

CREATE VIEW given_back AS
    SELECT nth, refund_id, order_key, made_at, stamp, currency, exponent, one,
        own_or_inside(minor_of(one.base_row_total, exponent) - off(one, exponent),
            list_transform(inside, each -> minor_of(each.base_row_total, exponent) - off(each, exponent))) AS goods,
        own_or_inside(minor_of(one.base_tax_amount, exponent), list_transform(inside, each -> minor_of(each.base_tax_amount, exponent))) AS tax
    FROM (
        SELECT *, list_filter(items, each -> map_extract(within, each.order_item_id)[1] = one.order_item_id) AS inside
        FROM (
            SELECT nth, entity_id AS refund_id, order_key, made_at, utc(coalesce(updated_at, created_at)) AS stamp, currency, exponent, items,
                "__inside" AS within, unnest(items) AS one
            FROM refunds
        ) WHERE map_extract(within, one.order_item_id)[1] IS NULL
    ) WHERE coalesce(parse_decimal(one.qty), 0) <> 0;

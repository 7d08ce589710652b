CREATE VIEW orders AS SELECT *, utc(date_modified_gmt) AS stamp, exponent_of(currency) AS exponent FROM lines WHERE "__parentId" IS NULL;

-- Goods and fees: a fee is sold once, at its total.
CREATE VIEW sold AS
    SELECT nth, id AS order_id, stamp, currency, exponent, tax_lines, coupon_lines, false AS fee, unnest(line_items) AS one FROM orders
    UNION ALL
    SELECT nth, id, stamp, currency, exponent, tax_lines, coupon_lines, true, unnest(fee_lines) FROM orders;

CREATE VIEW deliveries AS
    SELECT nth, id AS order_id, stamp, currency, tax_lines, unnest(shipping_lines) AS one FROM orders;

-- Refunds are lines of their own; their order's currency is written into them as they are read.
CREATE VIEW refunds AS
    SELECT nth, id AS refund_id, "__parentId" AS order_id, utc(date_created_gmt) AS created_at, amount, "__currency" AS currency,
        exponent_of("__currency") AS exponent, line_items, fee_lines, shipping_lines
    FROM lines WHERE "__parentId" IS NOT NULL;

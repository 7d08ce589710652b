CREATE VIEW orders AS SELECT *, rfc(date_modified) AS stamp, rfc(date_created) AS made_at, default_currency_code AS currency,
    exponent_of(default_currency_code) AS exponent,
    coalesce(parse_boolean(is_tax_inclusive_pricing), false) AS inclusive FROM lines;

-- Lines lie in the consignments: what is delivered, fetched, downloaded, or sent by e-mail. What lies in a bundle has no price of its own,
-- and is sold with it. Discounts are what a line costs less in the end, and amounts are exact until they are rounded, once per line.
CREATE VIEW sold AS
    SELECT nth, order_id, stamp, currency, exponent, made_at, inclusive, one, vouchers,
        minor_of(one.total_ex_tax, exponent) AS gross,
        minor_of(one.total_tax, exponent) AS tax,
        minor_of((CASE WHEN text_of(one.discounted_total_inc_tax) IS NULL
            THEN list_sum(list_transform(one.applied_discounts, each -> parse_decimal(each.amount)))
            ELSE parse_decimal(one.total_ex_tax) + parse_decimal(one.total_tax) - parse_decimal(one.discounted_total_inc_tax) END)::VARCHAR, exponent)
            AS cheaper
    FROM (
        SELECT nth, id AS order_id, stamp, currency, exponent, made_at, inclusive, coalesce(len("__coupons"), 0) AS vouchers,
            unnest(flatten([
                coalesce(flatten(list_transform(consignments.shipping, each -> each.line_items)), []),
                coalesce(flatten(list_transform(consignments.pickups, each -> each.line_items)), []),
                coalesce(flatten(list_transform(consignments.downloads, each -> each.line_items)), []),
                coalesce(flatten(list_transform(consignments.email.gift_certificates, each -> each.line_items)), [])
            ])) AS one
        FROM orders
    ) WHERE coalesce(parse_integer(one.parent_order_product_id), 0) = 0 OR coalesce(parse_decimal(one.total_ex_tax), 1) <> 0;

-- What is charged beside goods and delivery.
CREATE VIEW charged AS
    SELECT nth, id AS order_id, stamp, currency, exponent, id || '#fee/' || fee.id AS charge_id, fee.display_name_customer AS title,
        fee.cost_ex_tax AS price, fee.cost_tax AS tax
    FROM (SELECT *, unnest(fees) AS fee FROM orders)
    UNION ALL
    SELECT nth, id, stamp, currency, exponent, id || '#handling', 'Handling', handling_cost_ex_tax, handling_cost_tax FROM orders
    WHERE parse_decimal(handling_cost_ex_tax) <> 0
    UNION ALL
    SELECT nth, id, stamp, currency, exponent, id || '#wrapping', 'Gift wrapping', wrapping_cost_ex_tax, wrapping_cost_tax FROM orders
    WHERE parse_decimal(wrapping_cost_ex_tax) <> 0;

CREATE VIEW deliveries AS SELECT nth, id AS order_id, stamp, currency, exponent, inclusive, unnest(consignments.shipping) AS one FROM orders;

-- What was given back. A refund whose every payment was declined gave nothing.
CREATE VIEW refunds AS
    SELECT * FROM (SELECT nth, id AS order_id, currency, exponent, inclusive, unnest("__refunds") AS one FROM orders)
    WHERE NOT coalesce(len(one.payments) > 0 AND len(list_filter(one.payments, each -> parse_boolean(each.is_declined))) = len(one.payments), false);

CREATE VIEW given AS
    SELECT nth, order_id, currency, exponent, inclusive, one.id AS refund_id, one.created AS created, unnest(one.items) AS item,
        generate_subscripts(one.items, 1) AS place
    FROM refunds;

-- Pieces come back at what was paid for them; an amount that is named goes before.
CREATE VIEW goods_back AS
    SELECT *, net_of(amount, net, paid_tax, inclusive)::BIGINT AS goods, tax_of(amount, net, paid_tax, inclusive)::BIGINT AS tax
    FROM (
        SELECT given.*, net, paid_tax, coalesce(parse_integer(item.quantity), 0) AS pieces,
            CASE WHEN text_of(item.requested_amount) IS NOT NULL THEN minor_of(item.requested_amount, given.exponent)
                WHEN given.inclusive THEN half_even((net + paid_tax) * parse_integer(item.quantity), bought)::BIGINT
                ELSE half_even(net * parse_integer(item.quantity), bought)::BIGINT END AS amount
        FROM given JOIN (
            SELECT nth, one.id AS line_id, gross - coalesce(cheaper, 0) AS net, coalesce(tax, 0) AS paid_tax,
                greatest(parse_integer(one.quantity), 1) AS bought
            FROM sold
        ) AS lines_sold ON lines_sold.nth = given.nth AND lines_sold.line_id = item.item_id
        WHERE item.item_type = 'PRODUCT'
    );

CREATE VIEW delivery_back AS
    SELECT nth, refund_id, sum(net_of(amount, net, paid_tax, inclusive))::BIGINT AS delivery,
        sum(tax_of(amount, net, paid_tax, inclusive))::BIGINT AS tax
    FROM (
        SELECT given.nth, refund_id, given.inclusive, minor_of(one.cost_ex_tax, given.exponent) AS net,
            coalesce(minor_of(one.cost_tax, given.exponent), 0) AS paid_tax,
            CASE WHEN text_of(item.requested_amount) IS NOT NULL THEN minor_of(item.requested_amount, given.exponent)
                WHEN given.inclusive THEN minor_of(one.cost_inc_tax, given.exponent)
                ELSE minor_of(one.cost_ex_tax, given.exponent) END AS amount
        FROM given JOIN deliveries ON deliveries.nth = given.nth AND deliveries.one.id = item.item_id
        WHERE item.item_type = 'SHIPPING'
    ) GROUP BY nth, refund_id;

-- Macros of Shopify's mappings. `shop_currency()`, `shop_zone(moment)`, `day_of(t)` and `kind_of(sku)` are added from the shop's facts and the feed's settings.

-- What follows the type in a gid: gid://shopify/Product/12 -> 12, .../InventoryLevel/5?inventory_item_id=7 -> 5?inventory_item_id=7.
CREATE MACRO gid_tail(gid) AS nullif(regexp_extract(gid, '^gid://shopify/[A-Za-z]+/([0-9]+(\?[A-Za-z0-9_=&-]+)?)$', 1), '');

-- A variant has at most three options.
CREATE MACRO option_of(options, names) AS text_of(CASE
    WHEN list_contains(names, lower(options[1].name)) THEN options[1].value
    WHEN list_contains(names, lower(options[2].name)) THEN options[2].value
    WHEN list_contains(names, lower(options[3].name)) THEN options[3].value END);

CREATE MACRO grams_of(weight) AS CASE WHEN parse_decimal(weight.value) > 0 THEN
    TRY_CAST(parse_decimal(weight.value) * CASE weight.unit
        WHEN 'GRAMS' THEN 1 WHEN 'KILOGRAMS' THEN 1000 WHEN 'OUNCES' THEN 28.349523 WHEN 'POUNDS' THEN 453.592370 END AS VARCHAR) END;

-- At most eight quantities are asked for by name.
CREATE MACRO quantity_of(quantities, wanted) AS CASE
    WHEN quantities[1].name = wanted THEN quantities[1].quantity
    WHEN quantities[2].name = wanted THEN quantities[2].quantity
    WHEN quantities[3].name = wanted THEN quantities[3].quantity
    WHEN quantities[4].name = wanted THEN quantities[4].quantity
    WHEN quantities[5].name = wanted THEN quantities[5].quantity
    WHEN quantities[6].name = wanted THEN quantities[6].quantity
    WHEN quantities[7].name = wanted THEN quantities[7].quantity
    WHEN quantities[8].name = wanted THEN quantities[8].quantity END;

-- Minor units of each amount: one 0 where there are none, NULL where the vendor did not say whether there are any. An amount that cannot
-- be read is NULL and is reported by lost_amount.
CREATE MACRO minors_of(bags) AS CASE
    WHEN len(bags) > 0 THEN list_transform(bags, one -> to_minor(one."shopMoney".amount, one."shopMoney"."currencyCode"))
    WHEN len(bags) = 0 THEN [0::BIGINT] END;
-- Those of each part of a line; what a line says nothing of, it has none of.
CREATE MACRO discounts_of(parts) AS coalesce(minors_of(list_transform(parts, part -> part."allocatedAmountSet")), [0::BIGINT]);
CREATE MACRO taxes_of(parts) AS coalesce(minors_of(list_transform(parts, part -> part."priceSet")), [0::BIGINT]);
CREATE MACRO lost_amount(amounts, field) AS CASE WHEN len(amounts) > list_count(amounts) THEN 'malformed_number:' || field END;

-- Line properties that say what lenses were chosen with a frame.
CREATE MACRO has_rx(properties) AS CASE WHEN len(properties) > 0 THEN
    len(list_filter(properties, one -> regexp_full_match(lower(one.key), '_?(rx|prescription)([ _:-].*)?'))) > 0 END;
CREATE MACRO lens_of(properties) AS CASE WHEN len(properties) > 0 THEN
    text_of(list_filter(properties, one -> lower(one.key) IN ('lens_type', 'lens type', 'lens', '_lens_type'))[1].value) END;

-- Sales of an order's edit: what they come to, and how many pieces of goods they are about.
CREATE MACRO totals_of(sales) AS minors_of(list_transform(sales, one -> one."totalAmount"));
CREATE MACRO pieces_of(sales) AS coalesce(abs(list_sum(list_transform(
    list_filter(sales, one -> one."lineType" IN ('PRODUCT', 'GIFT_CARD')), one -> parse_integer(one.quantity)))), 0);

-- Minor units of amounts that stand in one currency alone.
CREATE MACRO sums_of(amounts) AS list_transform(amounts, one -> to_minor(one.amount, one."currencyCode"));

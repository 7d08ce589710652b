-- Macros of WooCommerce's mappings. `shop_currency()`, `shop_zone(moment)`, `day_of(t)`, `kind_of(sku)` and `agreed_by_terms()` are added.

-- Instants in UTC are written without a zone.
CREATE MACRO utc(t) AS CASE WHEN t <> '' THEN t || 'Z' END;

-- What an attribute of one of these names says: the option chosen, or the first of those offered.
CREATE MACRO attribute_of(attributes, names) AS text_of(
    list_transform(list_filter(attributes, one -> list_contains(names, lower(one.name))), one -> coalesce(one.option, one.options[1]))[1]);

CREATE MACRO meta_of(metas, names) AS text_of(list_filter(metas, one -> list_contains(names, lower(one.key)))[1].value);

-- The line of the order that a refund's line gives back.
CREATE MACRO refunded_line(metas) AS meta_of(metas, ['_refunded_item_id']);

-- Line properties that say what lenses were chosen with a frame.
CREATE MACRO has_rx(metas) AS len(list_filter(coalesce(metas, []),
    one -> regexp_full_match(lower(one.key), '_?(rx|prescription)([ _:-].*)?'))) > 0;

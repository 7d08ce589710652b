-- Macros of Magento's mappings. `shop_currency()`, `shop_zone(moment)`, `day_of(t)`, `kind_of(sku)` and `agreed_by_terms()` are added.

-- Instants in UTC are written without a zone.
CREATE MACRO utc(t) AS CASE WHEN t <> '' THEN replace(t, ' ', 'T') || 'Z' END;

-- What a custom attribute of one of these codes says: the label of the option chosen, or the value itself.
CREATE MACRO said(customs, codes) AS text_of(list_filter(customs, one -> list_contains(codes, one.attribute_code))[1].value);
CREATE MACRO label_of(labels, codes) AS text_of(list_filter(labels, one -> list_contains(codes, one.code))[1].label);
CREATE MACRO attribute_of(labels, customs, codes) AS coalesce(label_of(labels, codes), said(customs, codes));

-- A line's own amount or, where it has none, what the lines within it come to: a bundle may be priced by its parts.
CREATE MACRO own_or_inside(own, parts) AS
    coalesce(nullif(own, 0), list_sum(parts)::BIGINT, 0);

-- A discount without the tax that is in it.
CREATE MACRO off(one, exponent) AS coalesce(minor_of(one.base_discount_amount, exponent), 0)
    - coalesce(minor_of(one.base_discount_tax_compensation_amount, exponent), 0);

-- Pieces: half a piece is sold as one.
CREATE MACRO pieces_of(t) AS ceil(parse_decimal(t))::BIGINT;

-- The one tax of an order that does not tell its taxes.
CREATE MACRO untold(amount) AS [{'code': 'all', 'title': NULL::VARCHAR, 'percent': NULL::VARCHAR, 'base_amount': amount::VARCHAR}];

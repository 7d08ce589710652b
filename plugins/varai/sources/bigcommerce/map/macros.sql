-- Macros of BigCommerce's mappings. `shop_currency()`, `shop_zone(moment)`, `day_of(t)`, `kind_of(sku)` and `agreed_by_terms()` are added.

-- V2 writes instants as RFC 2822 does, "Tue, 05 Mar 2019 21:40:11 +0000"; what is none stays as it is, and is a fault.
CREATE MACRO rfc(t) AS coalesce(strftime(timezone('UTC', try_strptime(t, '%a, %d %b %Y %H:%M:%S %z')), '%Y-%m-%dT%H:%M:%SZ'), nullif(t, ''));

-- The gateway that every store has to try itself out with.
CREATE MACRO is_test(payment_method) AS payment_method = 'Test Payment Gateway';

-- What a custom field, or an option chosen, of one of these names says.
CREATE MACRO field_of(fields, names) AS text_of(list_filter(fields, one -> list_contains(names, lower(one.name)))[1].value);
CREATE MACRO option_of(options, names) AS text_of(list_filter(options, one -> list_contains(names, lower(one.option_display_name)))[1].label);
CREATE MACRO chosen(options, names) AS text_of(list_filter(options, one -> list_contains(names, lower(one.display_name)))[1].display_value);

-- Sizes of frames are written "52-18-140": lens, bridge, temple.
CREATE MACRO size_part(t, part) AS nullif(regexp_extract(t, '(?:^|[^0-9])([3-7][0-9])\s*[-/□ ]\s*([12][0-9])\s*[-/ ]\s*(1[0-9]{2})(?:[^0-9]|$)', part), '');

-- Options that say what lenses were chosen with a frame.
CREATE MACRO has_rx(options) AS len(list_filter(coalesce(options, []),
    one -> regexp_full_match(lower(one.display_name), '_?(rx|prescription)([ _:-].*)?'))) > 0;

-- Of an amount given back, for what cost `net` and `tax`: the part without tax, and the tax. Where prices contain tax the amount does too.
CREATE MACRO net_of(amount, net, tax, inclusive) AS
    CASE WHEN inclusive AND net + tax <> 0 THEN half_even(amount * net, net + tax) ELSE amount END;
CREATE MACRO tax_of(amount, net, tax, inclusive) AS CASE WHEN inclusive THEN amount - net_of(amount, net, tax, inclusive)
    WHEN net <> 0 THEN half_even(amount * tax, net) ELSE 0 END;

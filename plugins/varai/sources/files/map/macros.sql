-- Macros of file feeds' mappings: texts as a retailer writes them, in the notation of the canonical parsers. What is not as declared
-- comes out with a question mark before it, which no parser reads: a fault of the row. Other macros are added before these.

-- A text, without blanks around it; NULL for one that says that there is nothing.
CREATE MACRO present(t, nulls) AS CASE WHEN NOT list_contains(nulls, trim(t)) THEN trim(t) END;

-- A number. Thousands count only where they stand in threes; the symbol of a currency may stand before or after it.
CREATE MACRO bare(t, symbol) AS CASE WHEN symbol = '' THEN t ELSE trim(replace(t, symbol, '')) END;
CREATE MACRO grouped(t, sep) AS CASE WHEN sep <> '' AND regexp_full_match(
    replace(t, sep, '_'), '[+-]?[0-9]{1,3}(_[0-9]{3})+([.,][0-9]*)?') THEN replace(t, sep, '') ELSE t END;
CREATE MACRO pointed(t, mark) AS CASE
    WHEN mark = '.' THEN t
    WHEN contains(t, '.') THEN '?' || t
    ELSE replace(t, ',', '.') END;
CREATE MACRO number_of(t, mark, sep, symbol) AS pointed(grouped(bare(t, symbol), sep), mark);

-- An instant: ISO 8601 with a zone as it is; without one, or as declared, in the zone given or the shop's.
CREATE MACRO zoned(moment, zone) AS strftime(
    timezone(coalesce(zone, shop_zone(timezone('UTC', moment))), moment), '%Y-%m-%dT%H:%M:%S.%fZ');
CREATE MACRO instant_of(t, pattern, zone) AS CASE
    WHEN t IS NULL THEN NULL
    WHEN try_strptime(t, pattern) IS NOT NULL THEN zoned(try_strptime(t, pattern), zone)
    WHEN regexp_full_match(t, '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?)?')
        THEN coalesce(zoned(TRY_CAST(t AS TIMESTAMP), zone), '?' || t)
    WHEN regexp_full_match(t, '[0-9]{4}-[0-9]{2}-[0-9]{2}[T ].*') THEN replace(t, ' ', 'T')
    ELSE '?' || t END;
CREATE MACRO date_of(t, pattern) AS CASE
    WHEN t IS NULL THEN NULL
    WHEN try_strptime(t, pattern) IS NOT NULL THEN strftime(try_strptime(t, pattern), '%Y-%m-%d')
    WHEN regexp_full_match(t, '[0-9]{4}-[0-9]{2}-[0-9]{2}(T00:00:00)?') THEN left(t, 10)
    ELSE '?' || t END;

CREATE MACRO yes_or_no(t) AS CASE lower(t) WHEN 'y' THEN 'true' WHEN 't' THEN 'true' WHEN 'n' THEN 'false' WHEN 'f' THEN 'false' ELSE t END;

-- Macros offered to every mapping. Texts in, typed values out; what cannot be read is NULL, never an error.
-- The engine adds `exponent_of(code)`, decimals of an ISO 4217 currency, NULL for a code that is no money, and `long_minor_of`.
-- Of five texts and more, ask list_contains: DuckDB makes a join of so long an IN, and sets it up for every chunk.

CREATE MACRO text_of(t) AS nullif(trim(t), '');

CREATE MACRO parse_boolean(t) AS
    CASE WHEN lower(t) IN ('true', '1', 'yes') THEN true WHEN lower(t) IN ('false', '0', 'no') THEN false END;

CREATE MACRO parse_integer(t) AS
    CASE WHEN regexp_full_match(t, '[+-]?[0-9]+') THEN TRY_CAST(t AS BIGINT) END;

-- Decimal text as JSON writes numbers, to decimal(18,6); digits beyond the sixth decimal are rounded.
CREATE MACRO parse_decimal(t) AS
    CASE WHEN regexp_full_match(t, '[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?') THEN TRY_CAST(t AS DECIMAL(18, 6)) END;

-- ISO 8601: a date (midnight UTC), or a date and time with a zone. Seconds may be left out: DuckDB wants them.
CREATE MACRO parse_instant(t) AS CASE
    WHEN regexp_full_match(t, '[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][01][0-9](:?[0-5][0-9])?))?')
        AND left(t, 4) <> '0000' THEN coalesce(TRY_CAST(t AS TIMESTAMPTZ), TRY_CAST(concat(left(t, 16), ':00', substr(t, 17)) AS TIMESTAMPTZ))
    END;

CREATE MACRO parse_day(t) AS CASE WHEN regexp_full_match(t, '[0-9]{4}-[0-9]{2}-[0-9]{2}') AND left(t, 4) <> '0000' THEN TRY_CAST(t AS DATE) END;

CREATE MACRO is_currency(code) AS exponent_of(code) IS NOT NULL;

-- How many millionths one minor unit has, by a currency's decimals.
CREATE MACRO scale_of(exponent) AS CASE exponent WHEN 2 THEN 10000 WHEN 0 THEN 1000000 WHEN 3 THEN 1000 WHEN 4 THEN 100 WHEN 1 THEN 100000 END;

-- Millionths of a decimal(18,6): its text always has six decimals, and arithmetic of so many digits takes seven times as long.
CREATE MACRO millionths(amount) AS replace(amount::DECIMAL(18, 6)::VARCHAR, '.', '')::BIGINT;

-- n / scale, rounded half-even, in integers. Give it columns: they are named many times.
CREATE MACRO half_even(n, scale) AS n // scale + CASE
    WHEN 2 * abs(n % scale) > scale OR (2 * abs(n % scale) = scale AND (n // scale) % 2 <> 0) THEN sign(n)::BIGINT ELSE 0 END;

-- The same for an n that may be longer than a BIGINT: few are, and those that are not take a twentieth of the time.
CREATE MACRO half_even_long(n, scale) AS CASE
    WHEN n BETWEEN -4611686018427387903 AND 4611686018427387903 THEN half_even(TRY_CAST(n AS BIGINT), scale) ELSE half_even(n, scale) END;

-- A plain decimal of up to 18 decimals in minor units, half-even. DuckDB reads an exponent exactly, and rounds a half away from zero: where
-- the last digit that tells something is a five just behind the minor units, an odd result goes back by one. (Of texts with more decimals it
-- makes other numbers.)
CREATE MACRO shifted(t, exponent) AS TRY_CAST(concat(t, 'e', exponent) AS BIGINT) - CASE
    WHEN contains(t, '.') AND right(rtrim(t, '0'), 1) = '5' AND strlen(rtrim(t, '0')) - strpos(t, '.') = exponent + 1
        THEN TRY_CAST(concat(t, 'e', exponent) AS BIGINT) % 2 ELSE 0 END;

-- Decimal text in major units to BIGINT minor units of a currency with so many decimals: half-even and exact for any number of digits;
-- NULL when it is no decimal or does not fit. First what most amounts are (a hundred times it must fit into eighteen digits), then other
-- plain decimals; `long_minor_of` has the rest that may be one. Each regular expression is compiled for every chunk and every amount that
-- is named: they are few and short.
CREATE MACRO minor_of(t, exponent) AS CASE
    WHEN exponent = 2 AND strlen(t) < 15 AND regexp_full_match(t, '[+-]?[0-9]+(\.[0-9][0-9]?0*)?') THEN (TRY_CAST(t AS DECIMAL(18, 2)) * 100)::BIGINT
    WHEN exponent IS NOT NULL AND strlen(t) - strpos(t, '.') <= 18 AND regexp_full_match(t, '[+-]?[0-9]+(\.[0-9]+)?') THEN shifted(t, exponent)
    WHEN exponent IS NOT NULL AND t <> '' AND translate(t, '0123456789.+-eE', '') = '' THEN long_minor_of(t, exponent)
    END;

-- The same by the currency's code; NULL too when the code is no money.
CREATE MACRO to_minor(amount, currency) AS minor_of(amount::VARCHAR, exponent_of(currency));

-- Macros offered to every mapping. Texts in, typed values out; what cannot be read is NULL, never an error.
-- The engine adds `exponent_of(code)`, decimals of an ISO 4217 currency, NULL for a code that is no money.

CREATE MACRO text_of(t) AS nullif(trim(t), '');

CREATE MACRO parse_boolean(t) AS
    CASE WHEN lower(t) IN ('true', '1', 'yes') THEN true WHEN lower(t) IN ('false', '0', 'no') THEN false END;

CREATE MACRO parse_integer(t) AS
    CASE WHEN regexp_full_match(t, '[+-]?[0-9]+') THEN TRY_CAST(t AS BIGINT) END;

-- Decimal text as JSON writes numbers, to decimal(18,6); digits beyond the sixth decimal are rounded.
CREATE MACRO parse_decimal(t) AS
    CASE WHEN regexp_full_match(t, '[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?') THEN TRY_CAST(t AS DECIMAL(18, 6)) END;

-- ISO 8601: a date (midnight UTC), or a date and time with a zone. Seconds may be left out.
CREATE MACRO parse_instant(t) AS CASE
    WHEN regexp_full_match(t, '[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][01][0-9](:?[0-5][0-9])?))?')
        AND left(t, 4) <> '0000' THEN TRY_CAST(t AS TIMESTAMPTZ)
    WHEN regexp_full_match(t, '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(Z|[+-][01][0-9](:?[0-5][0-9])?)')
        AND left(t, 4) <> '0000' THEN TRY_CAST(concat(left(t, 16), ':00', substr(t, 17)) AS TIMESTAMPTZ)
    END;

CREATE MACRO parse_day(t) AS CASE WHEN regexp_full_match(t, '[0-9]{4}-[0-9]{2}-[0-9]{2}') AND left(t, 4) <> '0000' THEN TRY_CAST(t AS DATE) END;

CREATE MACRO is_currency(code) AS exponent_of(code) IS NOT NULL;

-- n / scale, rounded half-even, in integers.
CREATE MACRO half_even(n, scale) AS n // scale + CASE
    WHEN 2 * abs(n % scale) > scale OR (2 * abs(n % scale) = scale AND (n // scale) % 2 <> 0) THEN sign(n)::BIGINT ELSE 0 END;

-- digits * 10^shift, rounded half-even, on text: exact for any number of digits.
CREATE MACRO half_even_text(digits, shift) AS CASE
    WHEN ltrim(digits, '0') = '' THEN 0
    WHEN shift BETWEEN 0 AND 19 THEN TRY_CAST(digits || repeat('0', shift) AS BIGINT)
    WHEN shift > 19 THEN NULL
    WHEN -shift > strlen(digits) THEN 0
    ELSE TRY_CAST(concat('0', left(digits, strlen(digits) + shift)) AS BIGINT) + CASE
        WHEN right(digits, -shift)[1] > '5' THEN 1
        WHEN right(digits, -shift)[1] < '5' THEN 0
        WHEN ltrim(right(digits, -shift)[2:], '0') <> '' THEN 1
        ELSE TRY_CAST(concat('0', left(digits, strlen(digits) + shift)) AS BIGINT) % 2 END
    END;

CREATE MACRO minor_of_text(t, mantissa, power, decimals) AS
    half_even_text(replace(mantissa, '.', ''), power + decimals - CASE WHEN contains(mantissa, '.') THEN strlen(split_part(mantissa, '.', 2)) ELSE 0 END)
    * CASE WHEN left(t, 1) = '-' THEN -1 ELSE 1 END;

-- Decimal text (or DECIMAL) in major units to BIGINT minor units, half-even, exact; NULL when it is no decimal,
-- does not fit, or the currency is no money. Short texts go through decimals that hold them exactly: quick.
CREATE MACRO to_minor(amount, currency) AS CASE
    WHEN amount IS NULL OR exponent_of(currency) IS NULL THEN NULL
    WHEN exponent_of(currency) = 2 AND regexp_full_match(amount::VARCHAR, '[+-]?[0-9]{1,13}(\.[0-9]{1,2})?') THEN
        (TRY_CAST(amount::VARCHAR AS DECIMAL(18, 2)) * 100)::BIGINT
    WHEN regexp_full_match(amount::VARCHAR, '[+-]?[0-9]{1,12}(\.[0-9]{1,6})?') THEN
        half_even((TRY_CAST(amount::VARCHAR AS DECIMAL(18, 6))::DECIMAL(30, 6) * 1000000)::BIGINT,
                  CASE exponent_of(currency) WHEN 2 THEN 10000 WHEN 0 THEN 1000000 WHEN 3 THEN 1000 WHEN 1 THEN 100000 ELSE 100 END)
    WHEN regexp_full_match(amount::VARCHAR, '[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?') THEN
        minor_of_text(amount::VARCHAR, regexp_extract(amount::VARCHAR, '[0-9.]+'),
                      coalesce(TRY_CAST(regexp_extract(amount::VARCHAR, '[eE](.*)$', 1) AS BIGINT), 0), exponent_of(currency))
    END;

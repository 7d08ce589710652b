-- Minor units of any decimal text, see `minor_of`: done on the text, as digits * 10^shift. The lambda only gives names to the parts, and takes
-- long to prepare: it is left to those chunks that have such an amount.
CREATE MACRO long_minor_of(t, exponent) AS CASE WHEN regexp_full_match(t, '[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?') THEN
    list_transform(list_transform([{'mantissa': regexp_extract(t, '[0-9.]+'), 'negative': left(t, 1) = '-',
        'power': coalesce(TRY_CAST(regexp_extract(t, '[eE](.*)$', 1) AS BIGINT), 0) + exponent}], one -> {
            'digits': replace(one.mantissa, '.', ''),
            'shift': one.power - CASE WHEN contains(one.mantissa, '.') THEN strlen(split_part(one.mantissa, '.', 2)) ELSE 0 END,
            'negative': one.negative}),
        one -> TRY_CAST(CASE WHEN one.negative THEN -1 ELSE 1 END * CASE
            WHEN ltrim(one.digits, '0') = '' THEN 0
            WHEN one.shift > 19 THEN NULL
            WHEN one.shift >= 0 THEN TRY_CAST(one.digits || repeat('0', one.shift) AS UBIGINT)::HUGEINT
            WHEN -one.shift > strlen(one.digits) THEN 0
            ELSE TRY_CAST(concat('0', left(one.digits, strlen(one.digits) + one.shift)) AS UBIGINT)::HUGEINT + CASE
                WHEN right(one.digits, -one.shift)[1] > '5' THEN 1
                WHEN right(one.digits, -one.shift)[1] < '5' THEN 0
                WHEN ltrim(right(one.digits, -one.shift)[2:], '0') <> '' THEN 1
                ELSE TRY_CAST(concat('0', left(one.digits, strlen(one.digits) + one.shift)) AS UBIGINT)::HUGEINT % 2 END
            END AS BIGINT))[1] END;

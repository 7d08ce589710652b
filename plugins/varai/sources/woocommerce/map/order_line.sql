-- One row per line and per fee. The subtotal is before discounts, the total after them, both without tax and both of the whole line; the
-- price of one is their exact quotient, rounded half-even to six decimals.
SELECT nth, one.id AS source_id, order_id AS root_id, stamp AS source_updated_at,
    order_id,
    CASE WHEN NOT fee THEN nullif(one.product_id, '0') END AS product_id,
    CASE WHEN NOT fee THEN coalesce(nullif(one.variation_id, '0'), nullif(one.product_id, '0')) END AS variant_id,
    text_of(one.sku) AS sku,
    one.name AS title,
    CASE WHEN fee THEN 'fee' ELSE coalesce(kind_of(text_of(one.sku)),
        CASE WHEN coalesce(one.product_id, '0') = '0' THEN 'manual' ELSE 'product' END) END AS line_kind,
    pieces AS quantity,
    half_even(units, pieces)::DECIMAL(24, 0) * CAST('0.000001' AS DECIMAL(7, 6)) AS unit_price,
    currency,
    minor_of(before, exponent) AS gross_minor,
    minor_of(before, exponent) - minor_of(one.total, exponent) AS discount_minor,
    one.total_tax AS tax_minor,
    has_rx(one.meta_data) AS rx,
    meta_of(one.meta_data, ['lens_type', 'lens type', 'lens', '_lens_type']) AS lens_type
FROM (
    SELECT *, CASE WHEN fee THEN 1 ELSE parse_integer(one.quantity) END AS pieces,
        CASE WHEN fee THEN one.total ELSE one.subtotal END AS before,
        millionths(parse_decimal(CASE WHEN fee THEN one.total ELSE one.subtotal END)) AS units
    FROM sold
)

-- One row per sale. The price is the line's own, digit for digit; that of a bundle priced by its parts is their exact quotient. A choice
-- is told by the line inside.
SELECT nth, one.item_id AS source_id, order_id AS root_id, stamp AS source_updated_at,
    order_id,
    one.product_id AS product_id,
    coalesce(chosen.product_id, one.product_id) AS variant_id,
    coalesce(text_of(chosen.sku), text_of(one.sku)) AS sku,
    one.name AS title,
    coalesce(kind_of(coalesce(text_of(chosen.sku), text_of(one.sku))), CASE WHEN one.product_type = 'giftcard' THEN 'gift_card' END,
        CASE WHEN coalesce(one.product_id, '0') = '0' THEN 'manual' ELSE 'product' END) AS line_kind,
    pieces AS quantity,
    CASE WHEN priced THEN parse_decimal(one.base_price)
        ELSE half_even_long(parts, pieces)::DECIMAL(24, 0) * CAST('0.000001' AS DECIMAL(7, 6)) END AS unit_price,
    currency,
    gross AS gross_minor,
    cheaper AS discount_minor,
    tax AS tax_minor
FROM (
    SELECT *, CASE WHEN one.product_type = 'configurable' THEN inside[1] END AS chosen,
        greatest(pieces_of(one.qty_ordered), 1) AS pieces,
        coalesce(parse_decimal(one.base_price) <> 0, false) OR len(inside) = 0 AS priced,
        coalesce(list_sum(list_transform(inside, each -> millionths(parse_decimal(each.base_row_total)))), 0)::HUGEINT AS parts
    FROM valued
)

-- One row per line item. Gross is rounded once per line; the discount is the sum of all allocations to the line.
SELECT nth, gid_tail(id) AS source_id, parent AS root_id, stamp AS source_updated_at,
    parent AS order_id,
    gid_tail(product.id) AS product_id,
    gid_tail(variant.id) AS variant_id,
    text_of(sku) AS sku,
    title,
    CASE WHEN parse_boolean("isGiftCard") THEN 'gift_card'
        ELSE coalesce(kind_of(text_of(sku)), CASE WHEN product.id IS NULL AND variant.id IS NULL THEN 'manual' ELSE 'product' END)
        END AS line_kind,
    quantity,
    "originalUnitPriceSet"."shopMoney".amount AS unit_price,
    "originalUnitPriceSet"."shopMoney"."currencyCode" AS currency,
    half_even_long(total, scale) AS gross_minor,
    list_sum(discounts) AS discount_minor,
    list_sum(taxes) AS tax_minor,
    coalesce(has_rx("customAttributes"), false) AS rx,
    lens_of("customAttributes") AS lens_type,
    [lost_amount(discounts, 'discount_minor'), lost_amount(taxes, 'tax_minor')] AS faults
FROM (
    SELECT *, discounts_of("discountAllocations") AS discounts, taxes_of("taxLines") AS taxes,
        millionths(parse_decimal("originalUnitPriceSet"."shopMoney".amount))::HUGEINT * parse_integer(quantity) AS total,
        scale_of(exponent_of("originalUnitPriceSet"."shopMoney"."currencyCode")) AS scale
    FROM line_items
)

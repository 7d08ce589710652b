-- One row per order. Orders that wait for their payment, or were given up before it, are no sales: Magento's own reports leave them out.
SELECT nth, id AS source_id, id AS root_id, stamp AS source_updated_at,
    '#' || increment_id AS name,
    nullif(customer_id, '0') AS subject,
    currency,
    order_currency_code AS presentment_currency,
    utc(created_at) AS created_at,
    utc(created_at) AS processed_at,
    day_of(utc(created_at)) AS processed_on,
    CASE WHEN state = 'canceled' THEN stamp END AS cancelled_at,
    coalesce(state, '') NOT IN ('new', 'pending_payment', 'payment_review', 'canceled') AS placed,
    CASE state WHEN 'processing' THEN 'paid' WHEN 'complete' THEN 'paid' WHEN 'closed' THEN 'refunded' WHEN 'canceled' THEN 'voided'
        ELSE 'pending' END AS financial_status,
    'false' AS taxes_included,
    minor_of(base_subtotal, exponent) - goods_off AS subtotal_minor,
    base_tax_amount AS tax_minor,
    delivery AS shipping_minor,
    goods_off + delivery_off AS discount_minor,
    base_grand_total AS total_minor,
    coalesce(text_of(extension_attributes.shipping_assignments[1].shipping.address.country_id), text_of(billing_address.country_id))
        AS ship_country,
    coalesce(text_of(extension_attributes.shipping_assignments[1].shipping.address.region_code), text_of(billing_address.region_code))
        AS ship_province,
    text_of(replace(store_name, chr(10), ' / ')) AS channel
FROM (
    SELECT *, minor_of(base_shipping_amount, exponent) - delivery_off AS delivery,
        -coalesce(minor_of(base_discount_amount, exponent), 0) - coalesce(minor_of(base_shipping_discount_amount, exponent), 0)
            - coalesce(minor_of(base_discount_tax_compensation_amount, exponent), 0) AS goods_off
    FROM (
        SELECT *, coalesce(minor_of(base_shipping_discount_amount, exponent), 0)
            - coalesce(minor_of(base_shipping_discount_tax_compensation_amnt, exponent), 0) AS delivery_off
        FROM orders
    )
)

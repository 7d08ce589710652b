-- One row per order. Orders that were not completed, wait for their payment, or were cancelled, declined or archived are no sales.
-- Amounts are in the currency the shopper paid in.
SELECT orders.nth, id AS source_id, id AS root_id, stamp AS source_updated_at,
    '#' || id AS name,
    nullif(customer_id, '0') AS subject,
    currency,
    currency_code AS presentment_currency,
    made_at AS created_at,
    made_at AS processed_at,
    day_of(made_at) AS processed_on,
    CASE WHEN status_id IN ('5', '6') THEN stamp END AS cancelled_at,
    coalesce(is_test(payment_method), false) AS test,
    NOT list_contains(['0', '1', '5', '6', '7'], coalesce(status_id, '0')) AND NOT coalesce(parse_boolean(is_deleted), false) AS placed,
    CASE WHEN status_id = '4' OR payment_status = 'refunded' THEN 'refunded'
        WHEN status_id = '14' OR payment_status = 'partially refunded' THEN 'partially_refunded'
        WHEN status_id IN ('5', '6') OR payment_status IN ('void', 'declined') THEN 'voided'
        WHEN payment_status = 'authorized' THEN 'authorized'
        WHEN status_id IN ('0', '1', '7') THEN 'pending' ELSE 'paid' END AS financial_status,
    'false' AS taxes_included,
    goods AS subtotal_minor,
    total_tax AS tax_minor,
    shipping_cost_ex_tax AS shipping_minor,
    coalesce(minor_of(discount_amount, exponent), 0) + coalesce(minor_of(coupon_discount, exponent), 0) AS discount_minor,
    total_inc_tax AS total_minor,
    coalesce(text_of(consignments.shipping[1].country_iso2), text_of(billing_address.country_iso2)) AS ship_country,
    coalesce(text_of(consignments.shipping[1].state), text_of(billing_address.state)) AS ship_province,
    text_of(order_source) AS channel
FROM orders LEFT JOIN (SELECT nth, sum(gross - coalesce(cheaper, 0))::BIGINT AS goods FROM sold GROUP BY nth) AS parts ON parts.nth = orders.nth

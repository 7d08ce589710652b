-- One row per line given back, whole or in part.
SELECT nth, one.entity_id AS source_id, order_key AS root_id, stamp AS source_updated_at,
    refund_id, order_key AS order_id,
    one.order_item_id AS line_id,
    pieces_of(one.qty) AS quantity,
    goods AS subtotal_minor,
    tax AS tax_minor,
    currency
FROM given_back

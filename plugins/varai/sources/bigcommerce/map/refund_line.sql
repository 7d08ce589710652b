-- One row per line given back, whole or in part; money given back for goods that are kept has the quantity 0.
SELECT nth, refund_id || '#' || place AS source_id, order_id AS root_id, created AS source_updated_at,
    refund_id, order_id,
    item.item_id AS line_id,
    pieces AS quantity,
    goods AS subtotal_minor,
    tax AS tax_minor,
    currency
FROM goods_back

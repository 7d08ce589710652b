-- One row per item and location; `item` is inside the line.
SELECT nth, gid_tail(id) AS source_id, gid_tail(id) AS root_id, "updatedAt" AS source_updated_at,
    gid_tail(item.id) AS inventory_item_id,
    gid_tail(location.id) AS location_id,
    quantity_of(quantities, 'available') AS available,
    quantity_of(quantities, 'on_hand') AS on_hand,
    quantity_of(quantities, 'committed') AS committed
FROM lines

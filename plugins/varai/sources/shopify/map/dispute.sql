-- One row per dispute. The vendor gives no time of its last change.
SELECT nth, gid_tail(id) AS source_id, gid_tail(id) AS root_id, NULL::VARCHAR AS source_updated_at,
    gid_tail("order".id) AS order_id,
    lower("type") AS kind,
    lower(status) AS status,
    lower("reasonDetails".reason) AS reason,
    amount.amount AS amount_minor,
    amount."currencyCode" AS currency,
    "initiatedAt" AS initiated_at,
    "evidenceDueBy" AS evidence_due_at,
    "evidenceSentOn" AS evidence_sent_at,
    "finalizedOn" AS finalized_at
FROM lines

-- One row per payout. The vendor gives no time of its last change.
SELECT nth, gid_tail(id) AS source_id, gid_tail(id) AS root_id, NULL::VARCHAR AS source_updated_at,
    "issuedAt" AS issued_at,
    day_of("issuedAt") AS issued_on,
    lower(CASE status WHEN 'IN_TRANSIT' THEN 'SCHEDULED' ELSE status END) AS status,
    lower("transactionType") AS kind,
    net.amount AS net_minor,
    summary."chargesGross".amount AS charges_minor,
    summary."refundsFeeGross".amount AS refunds_minor,
    summary."adjustmentsGross".amount AS adjustments_minor,
    list_sum(other) AS other_minor,
    list_sum(fees) AS fees_minor,
    net."currencyCode" AS currency,
    [lost_amount(other, 'other_minor'), lost_amount(fees, 'fees_minor')] AS faults
FROM (
    SELECT *, sums_of([summary."reservedFundsGross", summary."retriedPayoutsGross", summary."advanceGross"]) AS other,
        sums_of([summary."chargesFee", summary."refundsFee", summary."adjustmentsFee", summary."reservedFundsFee",
            summary."retriedPayoutsFee", summary."advanceFees"]) AS fees
    FROM lines
)

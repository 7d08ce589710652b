-- One row per customer. The vendor knows an opt-out of passing data on, which is respected as one of training.
SELECT nth, gid_tail(id) AS source_id, gid_tail(id) AS root_id, "updatedAt" AS source_updated_at,
    gid_tail(id) AS subject,
    text_of("firstName") AS first_name,
    text_of("lastName") AS last_name,
    text_of("defaultEmailAddress"."emailAddress") AS email,
    text_of("defaultPhoneNumber"."phoneNumber") AS phone,
    "defaultAddress" AS address,
    TRY_CAST("defaultAddress" AS JSON) ->> '$.countryCodeV2' AS country,
    "defaultEmailAddress"."marketingState" = 'SUBSCRIBED' AS marketing_consent,
    NOT parse_boolean("dataSaleOptOut") AS training_consent,
    "numberOfOrders" AS orders_count,
    "createdAt" AS created_at
FROM lines

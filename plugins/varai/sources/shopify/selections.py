"""What is selected of each Shopify object: every field a canonical entity, or one that is likely to come, is made of.

`id` and `updatedAt` come first in every root selection: lines.py reads them there, bytewise. Fields that identify a
person are selected only where an entity has a place for them: no names or streets on orders.
"""

from __future__ import annotations

_PRODUCT_METAFIELDS = ("frame_shape", "rim", "material", "rx_able", "polarised", "uv_category")
_VARIANT_METAFIELDS = (
    "lens_width_mm",
    "bridge_mm",
    "temple_mm",
    "lens_height_mm",
    "frame_width_mm",
    "colour",
    "weight_g",
)


def _metafields(keys: tuple[str, ...]) -> str:
    return " ".join(f'{key}: metafield(namespace: "eyewear", key: "{key}") {{ value }}' for key in keys)


_MONEY = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
_TAX_LINES = f"taxLines {{ title rate source channelLiable priceSet {_MONEY} }}"
_ALLOCATIONS = f"""
discountAllocations {{
  allocatedAmountSet {_MONEY}
  discountApplication {{
    __typename index allocationMethod targetSelection targetType
    value {{ __typename ... on MoneyV2 {{ amount currencyCode }} ... on PricingPercentageValue {{ percentage }} }}
    ... on DiscountCodeApplication {{ code }}
    ... on AutomaticDiscountApplication {{ title }}
    ... on ManualDiscountApplication {{ title description }}
    ... on ScriptDiscountApplication {{ title }}
  }}
}}"""

SHOP = """
id updatedAt createdAt name myshopifyDomain primaryDomain { host url } currencyCode enabledPresentmentCurrencies
ianaTimezone timezoneOffsetMinutes taxesIncluded taxShipping weightUnit unitSystem
plan { publicDisplayName shopifyPlus partnerDevelopment }"""

LOCATION = """
id updatedAt createdAt name isActive deactivatedAt fulfillsOnlineOrders hasActiveInventory isFulfillmentService
shipsInventory address { city zip province provinceCode country countryCode }"""

PRODUCT = f"""
id updatedAt createdAt publishedAt title handle descriptionHtml vendor productType status tags isGiftCard
onlineStoreUrl hasOnlyDefaultVariant variantsCount {{ count precision }} totalInventory tracksInventory templateSuffix
seo {{ title description }} category {{ id fullName }} options {{ id name position values }}
{_metafields(_PRODUCT_METAFIELDS)}"""

VARIANT = f"""
id updatedAt createdAt title displayName sku barcode price compareAtPrice position taxable availableForSale
inventoryPolicy inventoryQuantity selectedOptions {{ name value }}
inventoryItem {{
  id updatedAt sku tracked requiresShipping countryCodeOfOrigin harmonizedSystemCode
  unitCost {{ amount currencyCode }} measurement {{ weight {{ unit value }} }}
}}
{_metafields(_VARIANT_METAFIELDS)}"""

IMAGE = "id altText url width height"

LEVEL = """
id updatedAt createdAt isActive item { id updatedAt } location { id }
quantities(names: ["available", "on_hand", "committed", "reserved", "incoming", "damaged", "safety_stock",
  "quality_control"]) { name quantity updatedAt }"""

CUSTOMER = """
id updatedAt createdAt firstName lastName locale state tags note verifiedEmail taxExempt dataSaleOptOut numberOfOrders
amountSpent { amount currencyCode }
defaultEmailAddress { emailAddress marketingState marketingOptInLevel marketingUpdatedAt }
defaultPhoneNumber { phoneNumber }
defaultAddress {
  id firstName lastName name company address1 address2 city zip province provinceCode country countryCodeV2 phone
}"""

LINE_ITEM = f"""
id name title variantTitle vendor sku quantity currentQuantity refundableQuantity isGiftCard requiresShipping taxable
product {{ id }} variant {{ id }} customAttributes {{ key value }}
originalUnitPriceSet {_MONEY} originalTotalSet {_MONEY} discountedTotalSet {_MONEY} totalDiscountSet {_MONEY}
{_TAX_LINES} {_ALLOCATIONS}"""

SHIPPING_LINE = f"""
id title code source carrierIdentifier custom isRemoved
originalPriceSet {_MONEY} discountedPriceSet {_MONEY} currentDiscountedPriceSet {_MONEY} {_TAX_LINES} {_ALLOCATIONS}"""

_TRANSACTION = f"""
id createdAt processedAt kind status gateway formattedGateway errorCode paymentId test
parentTransaction {{ id }} amountSet {_MONEY}"""

REFUND_LINE = f"""
id quantity restockType restocked lineItem {{ id }} location {{ id }}
priceSet {_MONEY} subtotalSet {_MONEY} totalTaxSet {_MONEY}"""

REFUND_SHIPPING = f"id shippingLine {{ id }} subtotalAmountSet {_MONEY} taxAmountSet {_MONEY}"

ADJUSTMENT = f"id reason amountSet {_MONEY} taxAmountSet {_MONEY}"

_PLACE = "{ city zip province provinceCode country countryCodeV2 }"

ORDER = f"""
id updatedAt createdAt processedAt name number currencyCode presentmentCurrencyCode cancelledAt cancelReason closedAt
test confirmed edited displayFinancialStatus displayFulfillmentStatus returnStatus taxesIncluded taxExempt
estimatedTaxes dutiesIncluded email phone note tags customerLocale poNumber sourceName sourceIdentifier discountCodes
paymentGatewayNames totalWeight app {{ id name }} customer {{ id }} retailLocation {{ id }}
customAttributes {{ key value }} shippingAddress {_PLACE} billingAddress {_PLACE}
subtotalPriceSet {_MONEY} totalTaxSet {_MONEY} totalShippingPriceSet {_MONEY} totalDiscountsSet {_MONEY}
totalPriceSet {_MONEY} totalRefundedSet {_MONEY} totalRefundedShippingSet {_MONEY} totalTipReceivedSet {_MONEY}
originalTotalPriceSet {_MONEY} currentSubtotalPriceSet {_MONEY} currentTotalTaxSet {_MONEY}
currentTotalDiscountsSet {_MONEY} currentTotalPriceSet {_MONEY} netPaymentSet {_MONEY}
{_TAX_LINES}
transactions {{ {_TRANSACTION} }}
fulfillments {{ id createdAt updatedAt status displayStatus inTransitAt estimatedDeliveryAt deliveredAt totalQuantity
  location {{ id }} service {{ serviceName }} trackingInfo {{ company number url }} }}"""

REFUND = f"id createdAt updatedAt processedAt note order {{ id }} totalRefundedSet {_MONEY}"

_AMOUNT = "{ amount currencyCode }"

PAYOUT = f"""
id issuedAt status transactionType net {_AMOUNT} summary {{
  chargesGross {_AMOUNT} chargesFee {_AMOUNT} refundsFeeGross {_AMOUNT} refundsFee {_AMOUNT}
  adjustmentsGross {_AMOUNT} adjustmentsFee {_AMOUNT} reservedFundsGross {_AMOUNT} reservedFundsFee {_AMOUNT}
  retriedPayoutsGross {_AMOUNT} retriedPayoutsFee {_AMOUNT} advanceGross {_AMOUNT} advanceFees {_AMOUNT} }}"""

DISPUTE = f"""
id initiatedAt evidenceDueBy evidenceSentOn finalizedOn status type order {{ id }} amount {_AMOUNT}
reasonDetails {{ reason networkReasonCode }}"""

AGREEMENT = "__typename id happenedAt reason"

SALE = f"""
__typename id actionType lineType quantity totalAmount {_MONEY} totalTaxAmount {_MONEY}
totalDiscountAmountAfterTaxes {_MONEY} ... on ProductSale {{ lineItem {{ id }} }} ... on GiftCardSale {{ lineItem {{ id }} }}"""

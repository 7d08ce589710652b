"""Node bodies of customers and the addresses that orders repeat."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.world.people import COUNTRIES, Person
from sandbox.world.wire import Body, cents, gid, instant, money

_LOCALE = {"US": "en-US", "DE": "de-DE", "AT": "de-AT"}


@dataclass(frozen=True, slots=True)
class Spent:
    """What the vendor counts for a customer: orders that are no tests, and cents paid less cents given back."""

    orders: int = 0
    amount: int = 0


def customer_body(person: Person, spent: Spent, currency: str) -> Body:
    """A customer with consents: marketing as the vendor keeps it, training as a metafield of the shop."""
    state = "SUBSCRIBED" if person.marketing else "NOT_SUBSCRIBED"
    joined = instant(person.joined)
    return {
        "id": gid("Customer", person.id),
        "legacyResourceId": str(person.id),
        "firstName": person.first,
        "lastName": person.last,
        "displayName": f"{person.first} {person.last}",
        "email": person.email,
        "phone": person.phone,
        "state": "ENABLED",
        "verifiedEmail": True,
        "validEmailAddress": True,
        "taxExempt": False,
        "locale": _LOCALE[person.country],
        "note": None,
        "tags": [],
        "dataSaleOptOut": not person.training,
        "lifetimeDuration": "",
        "defaultAddress": address(person, gid("MailingAddress", person.id)),
        "defaultEmailAddress": {
            "emailAddress": person.email,
            "marketingState": state,
            "marketingOptInLevel": "SINGLE_OPT_IN",
            "marketingUpdatedAt": joined,
            "validFormat": True,
        },
        "emailMarketingConsent": {
            "marketingState": state,
            "marketingOptInLevel": "SINGLE_OPT_IN",
            "consentUpdatedAt": joined,
        },
        "defaultPhoneNumber": {"phoneNumber": person.phone, "marketingState": "NOT_SUBSCRIBED"},
        "numberOfOrders": str(spent.orders),
        "amountSpent": money(cents(spent.amount), currency),
        "metafields": {"consent.training": str(person.training).lower()},
    }


def address(person: Person, identity: str) -> Body:
    """A postal address."""
    return {
        "id": identity,
        "firstName": person.first,
        "lastName": person.last,
        "name": f"{person.first} {person.last}",
        "company": None,
        "address1": person.street,
        "address2": None,
        "city": person.city,
        "province": person.province or None,
        "provinceCode": person.province_code or None,
        "zip": person.postcode,
        "country": COUNTRIES[person.country],
        "countryCodeV2": person.country,
        "phone": person.phone,
    }

"""ISO 4217: which currency codes exist and how many decimals an amount has (from the `iso4217` package)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from iso4217 import Currency

from varai.kernel import Malformed

# XXX ("no currency") and XTS (testing) are codes of the standard but no money; metals and bond units have no exponent.
_NO_MONEY = frozenset({"XXX", "XTS"})


@cache
def _table() -> Mapping[str, int]:
    return {
        currency.code: currency.exponent
        for currency in Currency
        if currency.exponent is not None and currency.code not in _NO_MONEY
    }


class _Currencies(Mapping[str, int]):
    """Currency code -> decimals of an amount; filled on first use."""

    def __getitem__(self, code: str) -> int:
        return _table()[code]

    def __iter__(self):  # type: ignore[no-untyped-def]  # the Mapping protocol gives the type
        return iter(_table())

    def __len__(self) -> int:
        return len(_table())


CURRENCIES: Mapping[str, int] = _Currencies()


def exponent(code: str) -> int:
    """Decimals of an amount in `code`; raises Malformed for a code that is no currency."""
    try:
        return _table()[code]
    except KeyError as error:
        raise Malformed(f"'{code}' is not a currency of ISO 4217.") from error

"""Ids of data subjects, as people copy them from a vendor."""

from __future__ import annotations

import re
from typing import Final

from varai.kernel import Misconfigured

_NUMBER: Final = re.compile(r"0*([1-9][0-9]{0,17})", re.ASCII)


def customer_number(vendor: str, given: str) -> str:
    """The number of a customer, for vendors that number them; raises Misconfigured for what is none."""
    found = _NUMBER.fullmatch(given.strip())
    if found is None:
        raise Misconfigured(
            f"This is no id of a {vendor} customer.", "Give the number that the shop's list of customers shows."
        )
    return found[1]

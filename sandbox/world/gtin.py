"""Global trade item numbers: check digits, numbers for sale and numbers that are wrong by one digit.

Rule (GS1 General Specifications): 8, 12, 13 or 14 digits; from the right, weights 1 and 3 alternate, and the
weighted sum is a multiple of ten.
"""

from __future__ import annotations

LENGTHS = frozenset({8, 12, 13, 14})


def check_digit(body: str) -> str:
    """The digit that completes `body` (all digits but the last)."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body)))
    return str(-total % 10)


def is_valid(code: str) -> bool:
    """True for 8, 12, 13 or 14 ASCII digits with a true check digit."""
    if len(code) not in LENGTHS or not (code.isascii() and code.isdigit()):
        return False
    return check_digit(code[:-1]) == code[-1]


def make(prefix: str, number: int, length: int) -> str:
    """A valid number: prefix, running number padded with zeros, check digit; `length` digits in all.

    Raises ValueError when the running number does not fit.
    """
    room = length - 1 - len(prefix)
    if len(str(number)) > room:
        raise ValueError(f"{number} does not fit into {room} digits of a GTIN-{length} with prefix {prefix}.")
    body = f"{prefix}{number:0{room}d}"
    return body + check_digit(body)


def spoil(code: str, step: int) -> str:
    """The same number with a check digit wrong by `step` (1 to 9)."""
    return code[:-1] + str((int(code[-1]) + 1 + (step - 1) % 9) % 10)

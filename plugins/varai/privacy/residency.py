"""The residency guard: only public and internal fields may cross from one region to another."""

from __future__ import annotations

from collections.abc import Iterable

from varai.canonical import Field
from varai.kernel import ResidencyBreach

CROSSES = frozenset({"public", "internal"})
"""Data classes that may cross regions."""


def check(fields: Iterable[Field], from_region: str, to_region: str) -> None:
    """Pass when every field may go from one region to the other; inside one region everything may.

    A subject's field never crosses, whatever its class says, and neither does one that lives in the vault.

    Raises:
        ResidencyBreach: naming the fields and their classes.
    """
    if from_region == to_region:
        return
    kept = [field for field in fields if not may_cross(field)]
    if kept:
        named = ", ".join(f"{field.name} ({field.data_class})" for field in kept)
        raise ResidencyBreach(f"Fields that must stay in {from_region} were about to go to {to_region}: {named}.")


def may_cross(field: Field) -> bool:
    """Whether a field may leave its region."""
    return field.data_class in CROSSES and not field.vault and not field.subject

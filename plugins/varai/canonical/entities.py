"""The canonical entities. A connector maps to these; a vendor that cannot give a field leaves it null."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from varai.canonical import aftersales, commerce, sales
from varai.canonical.fields import GATE_FIELDS, RUN_FIELDS, DataClass, Field, arrow_schema
from varai.kernel import Misconfigured

_ORDER: tuple[DataClass, ...] = ("public", "internal", "personal", "health")


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of row: what it is, its grain and its own fields (run and gate fields are common to all)."""

    name: str
    about: str
    fields: tuple[Field, ...]

    @property
    def data_class(self) -> DataClass:
        """The highest class of its fields."""
        return max((field.data_class for field in self.fields), key=_ORDER.index)

    @property
    def sealed(self) -> bool:
        """True when its objects must be sealed at rest."""
        return self.data_class in ("personal", "health")

    @property
    def stored(self) -> tuple[Field, ...]:
        """Run fields, own fields and gate fields, without those that live in the vault only."""
        return (*RUN_FIELDS, *(field for field in self.fields if not field.vault), *GATE_FIELDS)

    @property
    def vaulted(self) -> tuple[Field, ...]:
        """Fields that live in the vault only."""
        return tuple(field for field in self.fields if field.vault)

    def schema(self) -> pa.Schema:
        """Arrow schema of a staged row."""
        return arrow_schema(self.stored)


ENTITIES: Mapping[str, Entity] = {
    name: Entity(name, about, fields)
    for name, (about, fields) in {**commerce.ENTITIES, **sales.ENTITIES, **aftersales.ENTITIES}.items()
}


def entity(name: str) -> Entity:
    """Look an entity up; raises Misconfigured for an unknown one."""
    try:
        return ENTITIES[name]
    except KeyError as error:
        raise Misconfigured(f"There is no canonical entity '{name}', known: {', '.join(sorted(ENTITIES))}.") from error

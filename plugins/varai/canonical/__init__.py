"""The contracts every room downstream of a connector knows: entities, their fields and data classes, SQL and Arrow types."""

from varai.canonical.currency import CURRENCIES, exponent
from varai.canonical.entities import ENTITIES, Entity, entity
from varai.canonical.fields import GATE_FIELDS, RUN_FIELDS, DataClass, Field, arrow_schema, duckdb_type

__all__ = [
    "CURRENCIES",
    "ENTITIES",
    "GATE_FIELDS",
    "RUN_FIELDS",
    "DataClass",
    "Entity",
    "Field",
    "arrow_schema",
    "duckdb_type",
    "entity",
    "exponent",
]

"""A mapping from the SQL files of a connector: `map/macros.sql`, `map/views_<stream>.sql` where there is one, and one file per entity."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from varai.canonical.mapping import Mapping
from varai.sources.contract import StreamSpec
from varai.sources.shapes import Shape


def mapping_of(
    vendor: str,
    spec: StreamSpec,
    shape: Shape,
    macros: Sequence[str],
    views: Sequence[str] = (),
    alone: frozenset[str] = frozenset(),
) -> Mapping:
    """The mapping of a stream; pure.

    Args:
        vendor: the connector's package.
        spec: the stream.
        shape: what is read of its lines.
        macros: what the files build on.
        views: more views, beside those of the files.
        alone: keys of its lines that only child lines have.
    """
    setup = [*macros, *_sql(vendor, "macros"), *_sql(vendor, f"views_{spec.name}"), *views]
    selects = {entity: "".join(_sql(vendor, entity)) for entity in spec.entities}
    return Mapping.of(shape, selects, spec.primary, "\n".join(setup), alone)


@cache
def _sql(vendor: str, name: str) -> tuple[str, ...]:
    path = files(f"varai.sources.{vendor}") / "map" / f"{name}.sql"
    return (path.read_text(encoding="utf-8"),) if path.is_file() else ()

"""Law of residency: of all entities' fields only public and internal ones cross, and the refusal names what may not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varai.canonical import ENTITIES, Field
from varai.kernel import ResidencyBreach
from varai.privacy import residency

FIELDS = sorted({field for kind in ENTITIES.values() for field in (*kind.stored, *kind.vaulted)}, key=repr)


@given(fields=st.lists(st.sampled_from(FIELDS), min_size=1), regions=st.permutations(["us", "eu"]))
def test_fields_cross_only_when_every_one_is_public_or_internal(fields: list[Field], regions: list[str]) -> None:
    kept = [field for field in fields if field.data_class in ("personal", "health") or field.vault or field.subject]
    if not kept:
        residency.check(fields, regions[0], regions[1])
        return
    with pytest.raises(ResidencyBreach) as raised:
        residency.check(fields, regions[0], regions[1])
    assert all(field.name in str(raised.value) for field in kept)


@pytest.mark.parametrize("name", sorted(ENTITIES))
def test_a_whole_entity_crosses_only_if_it_is_not_about_people(name: str) -> None:
    kind = ENTITIES[name]
    if kind.data_class in residency.CROSSES:
        residency.check(kind.stored, "eu", "us")
    else:
        with pytest.raises(ResidencyBreach):
            residency.check(kind.stored, "eu", "us")


def test_inside_a_region_everything_may_move() -> None:
    residency.check(FIELDS, "eu", "eu")


@pytest.mark.parametrize("about", [{"subject": True}, {"vault": True}])
def test_what_names_a_subject_stays_even_if_its_class_were_wrong(about: dict[str, bool]) -> None:
    with pytest.raises(ResidencyBreach):
        residency.check([Field("subject", "text", "internal", "a pseudonym", **about)], "eu", "us")

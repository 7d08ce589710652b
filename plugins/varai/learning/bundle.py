"""A model as serving holds it: one object of arrays, sealed in the region's bucket. numpy alone; nothing is ever unpickled.

The object is a `numpy.savez` file: an array per field, and `meta`, UTF-8 JSON in a uint8 array. Equal models give equal
bytes, and `bundle_id` is the beginning of their SHA-256. It holds pseudonyms and what they bought: personal data.
"""

from __future__ import annotations

import bisect
import hashlib
import io
import json
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from varai.canonical import entity
from varai.kernel import Malformed, Scope
from varai.learning.soundness import check
from varai.learning.words import Codes, Floats, Longs, Neighbours
from varai.privacy import create_object, open_object

FORM: Final = 1
"""Of the layout below; moves when a reader of the old one would be wrong."""

ENDING: Final = ".npz.sealed"
"""Of the keys of bundles."""

REASONS: Final = ("bought_together", "similar_to_viewed", "popular_now", "similar_attributes", "new_arrival")
"""Why an item is shown; `list_reasons` holds places in it."""

ATTRIBUTES: Final = ("shape", "rim", "material", "colour")
READ_FROM: Final[Mapping[str, tuple[str, ...]]] = {
    "product": ("frame_shape", "rim", "material", "status", "gift_card", "created_at", "published_at"),
    "variant": ("product_id", "price", "inventory_item_id", "colour", "lens_width_mm", "frame_width_mm"),
    "order": ("subject", "processed_at", "cancelled_at", "test"),
    "order_line": ("order_id", "product_id", "line_kind"),
    "customer": ("subject", "training_consent"),
    "inventory_level": ("inventory_item_id", "available"),
}
"""Canonical fields that a bundle is learned from (`varai.learning.assemble`) or laid beside (`varai.catalogue.sellable`). No others:
a field that none of them reads may come or change without taking any shop its recommendations."""
_TEXTS: Final = ("region", "tenant", "model", "mapping", "snapshot_id", "candidate")
_NUMBERS: Final = ("prior_weight", "alike_weight")
_BARE: Final = ("created", "prior", "popular", "subjects", "starts", "history", "lists", "list_scores", "list_reasons")
_ARRAYS: Final[Mapping[str, tuple[type[np.generic], int]]] = {
    "created": (np.int64, 1),
    "prior": (np.float32, 1),
    "popular": (np.int32, 1),
    "near_indices": (np.int32, 2),
    "near_weights": (np.float32, 2),
    "alike_indices": (np.int32, 2),
    "alike_weights": (np.float32, 2),
    "subjects": (np.bytes_, 1),
    "starts": (np.int64, 1),
    "history": (np.int32, 1),
    "lists": (np.int32, 2),
    "list_scores": (np.float64, 2),
    "list_reasons": (np.uint8, 2),
    **{f"{name}_{part}": (np.int32, 1) for name in ATTRIBUTES for part in ("items", "held")},
}
"""Every array of a file but `meta`, with its type and its number of dimensions."""
_BROKEN: Final = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, MemoryError, NotImplementedError, RuntimeError, SyntaxError),
    *(ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, struct.error, tokenize.TokenError),
)
"""What zipfile, the reader of numpy and the checks raise for a damaged file."""

Doubles = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
Booleans = npt.NDArray[np.bool_]

ARRIVED_S: Final = 90 * 86_400
"""For so long before the snapshot a product is a new arrival, seconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """Which items have which words, as pairs in order of (item, word).

    Attributes:
        words: every word there is, sorted.
        items: int32 [pairs], item codes.
        held: int32 [pairs], places in `words`.
    """

    words: tuple[str, ...]
    items: Codes
    held: Codes


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Neighbours as sums read them.

    Attributes:
        places: intp [n, K], each one above the item's code; 0 fills up.
        weights: float64 [n, K].
    """

    places: npt.NDArray[np.intp]
    weights: Doubles

    @classmethod
    def of(cls, neighbours: Neighbours) -> Rows:
        """From what a bundle holds; done once, since each answer reads some."""
        return cls(neighbours.indices.astype(np.intp) + 1, neighbours.weights.astype(np.float64))


@dataclass(frozen=True, eq=False)
class Bundle:
    """Everything an answer is made from, but what may be shown now. n items, s subjects.

    Attributes:
        region, tenant, model: whose it is. mapping: see `mapping_version`. snapshot_id, as_of: what it learned from.
        candidate: how it relates items, such as "ease"; floor: whether it is the floor, which nothing has beaten.
        prior_weight, alike_weight: as `varai.learning.words.Fitted` has them.
        item_ids: n of "{feed}/{product_id}", sorted.
        created: int64 [n], seconds since 1970; -1 where it is not known.
        attributes: by name, see ATTRIBUTES.
        prior: float32 [n]. popular: int32 [n], all codes in order of (prior from above, code).
        near, alike: [n, K].
        subjects: bytes [s], pseudonyms of 32 hex digits, sorted.
        starts: int64 [s + 1]; subject u bought `history[starts[u]:starts[u + 1]]`, int32, ascending.
        lists: int32 [s, L], the best that the subject has not bought, were everything on sale; -1 fills up at the end.
        list_scores: float64 [s, L]. list_reasons: uint8 [s, L], places in REASONS.
    """

    region: str
    tenant: str
    model: str
    mapping: str
    snapshot_id: str
    as_of: datetime
    candidate: str
    floor: bool
    prior_weight: float
    alike_weight: float
    item_ids: tuple[str, ...]
    created: Longs
    attributes: Mapping[str, Attribute]
    prior: Floats
    popular: Codes
    near: Neighbours
    alike: Neighbours
    subjects: npt.NDArray[np.bytes_]
    starts: Longs
    history: Codes
    lists: Codes
    list_scores: Doubles
    list_reasons: Bytes

    def __len__(self) -> int:
        return len(self.item_ids)

    @cached_property
    def codes(self) -> Mapping[str, int]:
        """Code of each item by its id, and by the product's id alone where one feed has it."""
        bare: dict[str, int] = {}
        for code, item in enumerate(self.item_ids):
            product = item.partition("/")[2]
            bare[product] = -1 if product in bare else code
        alone = {product: code for product, code in bare.items() if code >= 0}
        return alone | {item: code for code, item in enumerate(self.item_ids)}

    def subject(self, pseudonym: str | None) -> int | None:
        """The row of a subject; None for one it does not know."""
        if pseudonym is None:
            return None
        wanted = pseudonym.encode("ascii", "replace")
        row = bisect.bisect_left(self.subjects, wanted)  # numpy's own search takes many times as long for one
        return row if row < len(self.subjects) and self.subjects[row] == wanted else None

    def bought(self, row: int) -> Codes:
        """Item codes that a subject has bought, ascending."""
        return self.history[self.starts[row] : self.starts[row + 1]]

    @cached_property
    def near_rows(self) -> Rows:
        """`near`, to be summed."""
        return Rows.of(self.near)

    @cached_property
    def alike_rows(self) -> Rows:
        """`alike`, to be summed."""
        return Rows.of(self.alike)

    @cached_property
    def visited_weight(self) -> Doubles:
        """What likeness to each item weighs in a visit: `alike_weight`, or 1 where it is all that is known. [n]"""
        cold = (self.near.indices < 0).all(axis=1)
        return np.where(cold, 1.0, self.alike_weight)

    @cached_property
    def arrivals(self) -> Booleans:
        """Which items are new, [n]."""
        return self.created >= int(self.as_of.timestamp()) - ARRIVED_S

    @cached_property
    def arrival_codes(self) -> Codes:
        """Codes of the new items, ascending."""
        return np.flatnonzero(self.arrivals).astype(np.int32)

    @cached_property
    def prior_part(self) -> Doubles:
        """What the prior adds to each item's score, [n]."""
        return self.prior_weight * self.prior.astype(np.float64)

    @cached_property
    def speaks(self) -> Booleans:
        """Which items something speaks for whoever asks: they were bought, or are new. [n]"""
        return (self.prior > 0) | self.arrivals

    @cached_property
    def popular_shown(self) -> Codes:
        """`popular` without those for which nothing speaks."""
        return self.popular[self.speaks[self.popular]]


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a bundle lies, with the SHA-256 (hex) of its plaintext."""

    key: str
    sha256: str
    bundle_id: str


@cache
def mapping_version() -> str:
    """Of the mapping from canonical fields to a bundle: 16 hex digits that move with FORM and with what it is read from.

    A model that was trained by other meanings of the fields does not fit what is in the catalogue today.
    """
    types = {name: {one.name: one.type for one in entity(name).fields} for name in READ_FROM}
    fields = [[name, [[one, types[name][one]] for one in read]] for name, read in READ_FROM.items()]
    return hashlib.sha256(json.dumps([FORM, fields]).encode()).hexdigest()[:16]


def folder(tenant: str, model: str) -> str:
    """Prefix of a model's bundles."""
    return f"models/{tenant}/{model}/"


def key_of(tenant: str, model: str, bundle_id: str) -> str:
    """Key of a bundle."""
    return f"{folder(tenant, model)}{bundle_id}{ENDING}"


def pack(bundle: Bundle) -> bytes:
    """The bytes of a bundle; equal bundles give equal bytes."""
    meta: dict[str, Any] = {name: getattr(bundle, name) for name in (*_TEXTS, *_NUMBERS)}
    meta |= {
        "form": FORM,
        "floor": bundle.floor,
        "as_of": bundle.as_of.isoformat(),
        "item_ids": bundle.item_ids,
        "words": {name: bundle.attributes[name].words for name in ATTRIBUTES},
    }
    text = json.dumps(meta, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()
    arrays: dict[str, npt.NDArray[Any]] = {name: getattr(bundle, name) for name in _BARE}
    for name, neighbours in (("near", bundle.near), ("alike", bundle.alike)):
        arrays |= {f"{name}_indices": neighbours.indices, f"{name}_weights": neighbours.weights}
    for name, attribute in bundle.attributes.items():
        arrays |= {f"{name}_items": attribute.items, f"{name}_held": attribute.held}
    out = io.BytesIO()
    arrays["meta"] = np.frombuffer(text, np.uint8)
    named: dict[str, Any] = {name: arrays[name] for name in sorted(arrays)}
    np.savez(out, **named)
    return out.getvalue()


def unpack(data: bytes, *, any_mapping: bool = False) -> Bundle:
    """The bundle of these bytes, checked: whatever it says can be served, unless `any_mapping` only asks what it holds.

    Raises:
        Malformed: the file is damaged, does not agree with itself, holds what is no finite number, is of another form, or,
            without `any_mapping`, of another mapping.
    """
    try:
        meta, arrays = _read(data)
        found = _bundle(meta, arrays)
        check(found)
    except _BROKEN as error:
        raise Malformed(
            f"A model cannot be read: {type(error).__name__}.", "Train it again, or roll back to an earlier version."
        ) from error
    if meta["form"] != FORM or not (any_mapping or found.mapping == mapping_version()):
        raise Malformed(
            "A model was trained by another mapping of the fields than today's.",
            "Run transform, then train it again.",
        )
    return found


def _read(data: bytes) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        if set(file.files) != {"meta", *_ARRAYS}:
            raise ValueError
        arrays = {name: np.ascontiguousarray(file[name]) for name in _ARRAYS}
        meta = json.loads(file["meta"].astype(np.uint8, casting="no").tobytes())
    for name, (kind, dimensions) in _ARRAYS.items():
        array = arrays[name]
        if not issubclass(array.dtype.type, kind) or not array.dtype.isnative or array.ndim != dimensions:
            raise ValueError
        array.flags.writeable = False
    return meta, arrays


def _bundle(meta: Mapping[str, Any], arrays: Mapping[str, Any]) -> Bundle:
    texts, numbers = [meta[name] for name in _TEXTS], [meta[name] for name in _NUMBERS]
    if not all(isinstance(one, str) for one in (*texts, *meta["item_ids"])) or not isinstance(meta["floor"], bool):
        raise ValueError
    if not all(isinstance(one, float) for one in numbers):
        raise ValueError
    return Bundle(
        **dict(zip(_TEXTS, texts, strict=True)),
        **dict(zip(_NUMBERS, numbers, strict=True)),
        floor=meta["floor"],
        as_of=datetime.fromisoformat(meta["as_of"]),
        item_ids=tuple(meta["item_ids"]),
        attributes={
            name: Attribute(tuple(meta["words"][name]), arrays[f"{name}_items"], arrays[f"{name}_held"])
            for name in ATTRIBUTES
        },
        near=Neighbours(arrays["near_indices"], arrays["near_weights"]),
        alike=Neighbours(arrays["alike_indices"], arrays["alike_weights"]),
        **{name: arrays[name] for name in _BARE},
    )


def store(scope: Scope, bundle: Bundle) -> Stored:
    """Seal a bundle into the bucket of the scope's tenant; one that is there already is written again, and is the same.

    Raises:
        Misconfigured: the scope is another tenant's. DiskFull.
    """
    data = pack(bundle)
    sha256 = hashlib.sha256(data).hexdigest()
    stored = Stored(key_of(bundle.tenant, bundle.model, sha256[:16]), sha256, sha256[:16])
    with create_object(scope, stored.key) as file:
        file.write(data)
    return stored


def load(scope: Scope, key: str, sha256: str, *, any_mapping: bool = False) -> Bundle:
    """Open, check and read a bundle of the scope's tenant.

    Args:
        scope: of the tenant.
        key: as `Stored` has it.
        sha256: of the plaintext, hex; or its beginning, at least the 16 digits of a bundle's id.
        any_mapping: read one of another release's mapping too: it may not serve, but says whom it holds.

    Raises:
        FileNotFoundError: there is no such object. Misconfigured: it is another tenant's.
        Malformed: it is not what was stored, not of this tenant, or not of today's mapping.
    """
    with open_object(scope, key) as file:
        data = file.read()
    if len(sha256) < 16 or not hashlib.sha256(data).hexdigest().startswith(sha256):
        raise Malformed(f"The model at '{key}' is not the one that was registered.", "Train it again, or roll back.")
    bundle = unpack(data, any_mapping=any_mapping)
    if (bundle.region, bundle.tenant) != (scope.region, scope.tenant):
        raise Malformed(f"The model at '{key}' was made for another tenant.", "Train it again, or roll back.")
    return bundle

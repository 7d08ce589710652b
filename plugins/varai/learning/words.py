"""The nouns of learning: what a model is made from, what training gives, and how it was judged. numpy alone, data only.

Codes are places: item code i is row i of `Items`, subject code u is row u of `subjects`. Both orders are those of the ids as
text, so that equal scores are broken by item id wherever item codes are compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Self

import numpy as np
import numpy.typing as npt

from varai.kernel import Malformed

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TooLittle:
    """A state, not an error: there is not enough to learn from yet. `sentence` is shown as it is."""

    sentence: str
    subjects: int
    purchases: int
    judged: int
    left_out: Mapping[str, int]
    snapshot_id: str


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """Everything that was sold or is on offer, sorted by id. Lists of n, one value per item; None: not known.

    Attributes:
        ids: "{feed}/{product_id}".
        shape, rim, material: the words of the product.
        colours: those of all its variants, sorted; empty: not known.
        width_mm: median frame width of its variants, millimetres; where no width is known, lens width.
        price: lowest price of its variants, major units of the shop's currency.
        created_at: when the vendor recorded it; None where it is only known from sales.
    """

    ids: tuple[str, ...]
    shape: tuple[str | None, ...]
    rim: tuple[str | None, ...]
    material: tuple[str | None, ...]
    colours: tuple[tuple[str, ...], ...]
    width_mm: tuple[float | None, ...]
    price: tuple[float | None, ...]
    created_at: tuple[datetime | None, ...]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Who bought what when: m purchases in order of (instant, subject, item), personal data.

    Attributes:
        items: n of them.
        subjects: s pseudonyms of 32 hex digits, sorted; each has a purchase.
        subject: int32 [m], codes.
        item: int32 [m], codes. A product twice in one order counts once, in two orders twice.
        at: int64 [m], seconds since 1970.
        snapshot_id, as_of: the published snapshot it was read from.
        left_out: order lines that taught nothing, by reason; with `lines` (all of the mart) they balance:
            lines = sum(left_out) + lines kept.
        lines: of the mart. kept: lines that became purchases.
    """

    items: Items
    subjects: tuple[str, ...]
    subject: Codes
    item: Codes
    at: Longs
    snapshot_id: str
    as_of: datetime
    left_out: Mapping[str, int]
    lines: int
    kept: int


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """A sparse n x n matrix in a form numpy alone can read: of each row its K largest weights by size.

    Attributes:
        indices: int32 [n, K], item codes ascending within a row; -1 fills up at the end.
        weights: float32 [n, K], negative ones too; 0 where the index is -1.
    """

    indices: Codes
    weights: Floats


@dataclass(frozen=True, slots=True)
class Choice:
    """One way of scoring, by its settings; fitting it to a dataset gives `Fitted`.

    Attributes:
        candidate: name of the candidate that relates items, or of the popularity that stands alone.
        settings: its hyperparameters.
        half_life_days: of the prior; None: plain popularity.
        prior_weight: of the prior. alike_weight: of likeness of attributes. Neighbours weigh 1.
    """

    candidate: str
    settings: Mapping[str, float]
    half_life_days: float | None
    prior_weight: float
    alike_weight: float


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """The one form of every recommender: for a history H, a multiset of distinct items, the score of item i is

        prior_weight * prior[i] + sum over j in H of (near[j, i] + alike_weight * alike[j, i])

    Attributes:
        prior: float32 [n], maximum 1 or all 0.
        near: what is bought together; K is 0 for a popularity alone.
        alike: likeness of attributes in 0..1; present whatever its weight, for cold starts and similar products.
    """

    choice: Choice
    prior: Floats
    near: Neighbours
    alike: Neighbours

    @property
    def prior_weight(self) -> float:
        """As `choice` has it."""
        return self.choice.prior_weight

    @property
    def alike_weight(self) -> float:
        """As `choice` has it."""
        return self.choice.alike_weight


@dataclass(frozen=True, slots=True)
class Interval:
    """Two-sided bootstrap interval of the mean difference candidate - floor over subjects, in units of the metric."""

    low: float
    high: float
    confidence: float
    resamples: int


@dataclass(frozen=True, slots=True)
class Scores:
    """How one recommender did in a window: means over the subjects judged, each in 0..1 but novelty.

    Attributes:
        coverage: share of the items that stand in anybody's first ten.
        novelty: mean of -log2(share of subjects who had bought it) over the items shown, bits.
    """

    ndcg: float
    recall: float
    mrr: float
    coverage: float
    novelty: float


@dataclass(frozen=True, slots=True)
class Tried:
    """A choice and the metric it had on the validation window."""

    choice: Choice
    value: float


@dataclass(frozen=True, slots=True)
class Spans:
    """Instants that part the history: train | validation_from .. test_from | test_from .. until (the last purchase)."""

    first: datetime
    validation_from: datetime
    test_from: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """How a model was judged: figures only, nothing of any one subject.

    Attributes:
        metric: such as "ndcg@10". candidate, floor: on the test window, looked at once.
        difference: mean of candidate - floor, per subject, with its interval.
        floor_name: such as "decayed_popularity"; floor_choice with its settings.
        chosen: what validation chose. tried: everything validation compared, best first.
        judged, judged_validation: subjects with an earlier purchase and a first purchase of some item in the window.
        window: SHA-256 (hex) of the test window's subjects and first purchases: two models whose windows are equal were asked
            the same.
    """

    metric: str
    candidate: Scores
    floor: Scores
    difference: float
    interval: Interval
    floor_name: str
    floor_choice: Choice
    chosen: Choice
    tried: tuple[Tried, ...]
    spans: Spans
    window: str
    judged: int
    judged_validation: int
    subjects: int
    purchases: int
    items: int
    lines: int
    left_out: Mapping[str, int]
    seed: int

    @property
    def value(self) -> float:
        """The metric of the candidate."""
        return self.of(self.candidate)

    @property
    def floor_value(self) -> float:
        """The metric of the floor."""
        return self.of(self.floor)

    def of(self, scores: Scores) -> float:
        """The report's metric among these scores."""
        return float(getattr(scores, self.metric.partition("@")[0]))


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What training gives, personal data: candidate and floor, both refitted on everything, and how they were judged.

    Attributes:
        model: name of the spec.
        chosen, floor: fitted on the whole dataset.
        subjects: s pseudonyms, sorted.
        starts: int64 [s + 1]; subject u bought `history[starts[u]:starts[u + 1]]`.
        history: int32, distinct item codes, ascending within a subject.
    """

    model: str
    items: Items
    chosen: Fitted
    floor: Fitted
    subjects: tuple[str, ...]
    starts: Longs
    history: Codes
    snapshot_id: str
    as_of: datetime
    report: Report


@dataclass(frozen=True, slots=True)
class Pointer:
    """What a registered version points at, and how it came to be: names and figures, nothing personal. All of it is text.

    Attributes:
        region: where it may be opened. bundle: key of the sealed object. sha256: of its plaintext, hex.
        snapshot: it was trained on. mapping: of the fields it was read from. code: version of the library and digest of what learns.
        suites: versions of the suites in force at training, JSON by entity.
        trained_at: ISO 8601, UTC. metric, floor: values on the test window of what is served and of the floor.
        difference: of the best recipe that is no floor and the floor, with its interval: JSON, [mean, low, high].
        recipe: the Choice it was fitted by, JSON. serves: what the decision chose. decision: the decision, a sentence.
    """

    region: str
    bundle: str
    sha256: str
    snapshot: str
    mapping: str
    code: str
    suites: str
    trained_at: str
    metric: str
    floor: str
    difference: str
    recipe: str
    serves: str
    decision: str

    def tags(self) -> dict[str, str]:
        """As tags of a version: every name with `varai.` before it."""
        return {f"varai.{each.name}": getattr(self, each.name) for each in fields(self)}

    @classmethod
    def read(cls, tags: Mapping[str, str]) -> Self:
        """From a version's tags. Raises Malformed, naming those that are missing."""
        missing = [each.name for each in fields(cls) if f"varai.{each.name}" not in tags]
        if missing:
            raise Malformed(
                f"A registered version lacks the tags {', '.join(f'varai.{name}' for name in missing)}.",
                "It was not registered by this platform: promote another version.",
            )
        return cls(**{each.name: tags[f"varai.{each.name}"] for each in fields(cls)})

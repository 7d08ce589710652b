"""GET /v1/recommendations and /v1/similar/{product}: what to show a shopper, from the tenant's champion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import Response

from serving.answers import JSON, chosen
from serving.auth.access import Access, may
from serving.champions import champion_of
from serving.openapi import GUARDED, problems
from serving.problems import Problem
from serving.schemas import Recommendations
from varai.learning.champions import Champion
from varai.learning.recommend import Asked, Shown

router = APIRouter(prefix="/v1", tags=["shop"])
LARGEST_LIMIT = 100
MOST_VIEWED = 10_000
_TOLD = problems("not-found", "not-trained", "no-registry", *GUARDED)
_PSEUDONYM = r"^[0-9a-f]{32}$"
_PRICE = r"^\d{1,12}(\.\d{1,6})?$"
Words = Annotated[list[Annotated[str, Query(max_length=200)]] | None, Query(max_length=50)]
Item = Annotated[str, Query(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True)
class Filters:
    """What items must be; of values of one name one has to fit. `varai.learning.eligibility.FILTERS` names the same."""

    shape: Words = None
    rim: Words = None
    material: Words = None
    colour: Words = None
    feed: Words = None
    price_from: Annotated[str | None, Query(pattern=_PRICE, description="lowest price, major units")] = None
    price_to: Annotated[str | None, Query(pattern=_PRICE, description="highest price, major units")] = None

    def given(self) -> dict[str, tuple[str, ...]]:
        """Those that are set, by name."""
        several = {name: getattr(self, name) for name in ("shape", "rim", "material", "colour", "feed")}
        bounds = {name: getattr(self, name) for name in ("price_from", "price_to")}
        found = {name: tuple(words) for name, words in several.items() if words}
        return found | {name: (bound,) for name, bound in bounds.items() if bound is not None}


Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT, description="items at most")]
Reader = Annotated[Access, Depends(may("recommendations:read", "answers"))]


@router.get("/recommendations", summary="What to show a shopper", response_model=Recommendations, responses=_TOLD)
async def recommend(
    request: Request,
    access: Reader,
    wanted: Annotated[Filters, Depends()],
    subject: Annotated[
        str | None,
        Header(alias="Varai-Subject", pattern=_PSEUDONYM, description="pseudonym of a customer; else a visitor"),
    ] = None,
    product: Annotated[Item | None, Query(description="the page this is for: `feed/id`, or the id alone")] = None,
    viewed: Annotated[
        list[Item] | None,
        Query(max_length=MOST_VIEWED, description="what was viewed, the latest last; the last 50 products count"),
    ] = None,
    limit: Limit = 10,
    explore: Annotated[float, Query(ge=0, le=1, description="share of the answer that chance gives to others")] = 0.1,
    again: Annotated[bool, Query(description="also what the customer has bought already")] = False,
) -> Response:
    """Products for a customer by what they bought, for a visitor by what was viewed, or to stand beside a product.

    Only what is on sale and in stock is shown. Each item says why: `bought_together`, `similar_to_viewed`, `popular_now`,
    `similar_attributes` or `new_arrival`; `explored` ones were drawn by chance. `stale` is true while the registry or the
    catalogue cannot be read. With its `answer_id` an answer can be recomputed.
    """
    chosen(request, (JSON,))
    champion = await champion_of(access)
    asked = Asked(
        subject=None if subject in champion.erased else subject,
        viewed=tuple(viewed or ()),
        product=product,
        again=again,
        limit=limit,
        filters=wanted.given(),
        explore=explore,
    )
    return _answer(access, champion, asked)


@router.get(
    "/similar/{product:path}", summary="What is like a product", response_model=Recommendations, responses=_TOLD
)
async def similar(
    request: Request,
    access: Reader,
    wanted: Annotated[Filters, Depends()],
    product: Annotated[
        str, Path(min_length=1, max_length=200, description="`feed/id`, or the id alone", examples=["shop/1"])
    ],
    limit: Limit = 10,
) -> Response:
    """Products that look and cost like this one, the most alike first; fewer than asked for where few are."""
    chosen(request, (JSON,))
    champion = await champion_of(access)
    if product not in champion.bundle.codes:
        raise Problem("not-found", "The model knows no such product; a new one is known after the next training.")
    return _answer(access, champion, Asked(product=product, similar=True, limit=limit, filters=wanted.given()))


def _answer(access: Access, champion: Champion, asked: Asked) -> Response:
    given = champion.answers.give(champion.bundle, champion.eligible, asked)
    bundle, version = champion.bundle, champion.version
    body = {
        "tenant": access.tenant,
        "model": version.model,
        "version": version.number,
        "floor": bundle.floor,
        "snapshot": bundle.snapshot_id,
        "as_of": bundle.as_of.isoformat(),
        "stale": champion.stale,
        "answer_id": given.answer_id,
        "items": [_item(one) for one in given.items],
    }
    return Response(orjson.dumps(body), media_type=JSON)


def _item(one: Shown) -> dict[str, Any]:
    feed, _, product = one.item.partition("/")
    return {"feed": feed, "product": product, "score": one.score, "reason": one.reason, "explored": one.explored}

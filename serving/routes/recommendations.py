"""GET /v1/recommendations and /v1/similar/{product}: what to show a shopper, from the tenant's champion."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response
from msgspec import Meta, Struct

from serving.answers import JSON, chosen
from serving.auth.access import TENANT, Access, Direct, admit
from serving.bodies import read_json
from serving.champions import champion_of
from serving.openapi import GUARDED, problems
from serving.problems import Problem
from serving.queries import HEADER, Reader
from serving.schemas import Recommendations
from varai.learning.champions import Champion
from varai.learning.recommend import Asked

router = APIRouter(prefix="/v1", tags=["shop"], route_class=Direct)
LARGEST_LIMIT = 100
MOST_VIEWED = 10_000
_TOLD = problems("not-found", "not-trained", "no-registry", *GUARDED)
Word = Annotated[str, Meta(min_length=1, max_length=200)]
Words = Annotated[tuple[Word, ...], Meta(max_length=50)]
Price = Annotated[str, Meta(pattern=r"^\d{1,12}(\.\d{1,6})?$", description="a bound, included; major units")]
Viewed = Annotated[
    tuple[Word, ...],
    Meta(max_length=MOST_VIEWED, description="what was viewed, the latest last; the last 50 products count"),
]
_FILTERS = ("shape", "rim", "material", "colour", "feed", "price_from", "price_to")
"""`varai.learning.eligibility.FILTERS` names the same."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What both routes take: whose, how many, and which. Of values of one filter one has to fit."""

    tenant: Annotated[str, Meta(description=TENANT)] = ""
    limit: Annotated[int, Meta(ge=1, le=LARGEST_LIMIT, description="items at most")] = 10
    shape: Annotated[Words, Meta(description="shapes of the frame")] = ()
    rim: Annotated[Words, Meta(description="kinds of rim")] = ()
    material: Annotated[Words, Meta(description="materials")] = ()
    colour: Annotated[Words, Meta(description="colours")] = ()
    feed: Annotated[Words, Meta(description="connections of the tenant")] = ()
    price_from: Price = ""
    price_to: Price = ""

    def filters(self) -> dict[str, tuple[str, ...]]:
        """Those that are given, by name."""
        found = {name: getattr(self, name) for name in _FILTERS}
        return {name: (value,) if isinstance(value, str) else value for name, value in found.items() if value}


class Visit(Wanted, frozen=True, kw_only=True):
    """Who asks, and from where."""

    subject: Annotated[
        str,
        Meta(
            pattern=r"^[0-9a-f]{32}$",
            description="pseudonym of a customer; without it, a visitor is asking",
            extra_json_schema={HEADER: "Varai-Subject"},
        ),
    ] = ""
    product: Annotated[str, Meta(max_length=200, description="the page this is for: `feed/id`, or the id alone")] = ""
    viewed: Viewed = ()
    explore: Annotated[float, Meta(ge=0, le=1, description="share of the answer that chance gives to others")] = 0.1
    again: Annotated[bool, Meta(description="also what the customer has bought already")] = False


class Seen(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request by POST."""

    viewed: Viewed


_VISIT, _WANTED = Reader(Visit), Reader(Wanted)
_PRODUCT: dict[str, Any] = {
    "name": "product",
    "in": "path",
    "required": True,
    "description": "`feed/id`, or the id alone",
    "schema": {"type": "string"},
    "example": "shop/p1",
}
_BODY: dict[str, Any] = {
    "required": True,
    "content": {JSON: {"schema": msgspec.json.schema(Seen)["$defs"]["Seen"]}},
}


@router.get(
    "/recommendations",
    summary="What to show a shopper",
    response_model=Recommendations,
    responses=_TOLD,
    openapi_extra={"parameters": _VISIT.parameters},
)
async def recommend(request: Request) -> Response:
    """Products for a customer by what they bought, for a visitor by what was viewed, or to stand beside a product.

    Only what is on sale and in stock is shown. Each item says why: `bought_together`, `similar_to_viewed`, `popular_now`,
    `similar_attributes` or `new_arrival`; `explored` ones were drawn by chance. `stale` is true while the registry or the
    catalogue cannot be read. With its `answer_id` an answer can be recomputed.
    """
    access = admit(request, "recommendations:read", "answers")
    chosen(request, (JSON,))
    return await _recommend(access, _VISIT.read(request))


@router.post(
    "/recommendations",
    summary="What to show a shopper who viewed much",
    response_model=Recommendations,
    responses=_TOLD | problems("too-large", "unsupported-media"),
    openapi_extra={"parameters": _VISIT.parameters, "requestBody": _BODY},
)
async def recommend_by_body(request: Request) -> Response:
    """As GET does, with `viewed` in the body: the address of a request holds some thousands of products at most."""
    access = admit(request, "recommendations:read", "answers")
    chosen(request, (JSON,))
    wanted = _VISIT.read(request)
    try:
        seen = msgspec.json.decode(await read_json(request), type=Seen)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Problem(
            "invalid", "Correct the body.", errors=[{"where": "body", "what": "is no object with `viewed`, a list"}]
        ) from error
    return await _recommend(access, msgspec.structs.replace(wanted, viewed=seen.viewed))


async def _recommend(access: Access, wanted: Visit) -> Response:
    champion = await champion_of(access)
    asked = Asked(
        subject=wanted.subject if wanted.subject and wanted.subject not in champion.erased else None,
        viewed=wanted.viewed,
        product=wanted.product or None,
        again=wanted.again,
        limit=wanted.limit,
        filters=wanted.filters(),
        explore=wanted.explore,
    )
    return _answer(access, champion, asked)


@router.get(
    "/similar/{product:path}",
    summary="What is like a product",
    response_model=Recommendations,
    responses=_TOLD,
    openapi_extra={"parameters": [_PRODUCT, *_WANTED.parameters]},
)
async def similar(request: Request) -> Response:
    """Products that look and cost like this one, the most alike first; fewer than asked for where few are."""
    access = admit(request, "recommendations:read", "answers")
    chosen(request, (JSON,))
    wanted, product = _WANTED.read(request), request.path_params["product"]
    champion = await champion_of(access)
    if product not in champion.bundle.codes:
        raise Problem("not-found", "The model knows no such product; a new one is known after the next training.")
    return _answer(access, champion, Asked(product=product, similar=True, limit=wanted.limit, filters=wanted.filters()))


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
        "items": [one.told() for one in given.items],
    }
    return Response(orjson.dumps(body), media_type=JSON)

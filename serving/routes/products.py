"""GET /v1/products: a tenant's catalogue, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import nh3
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from serving.answers import JSON, as_json, chosen, etag, unchanged
from serving.auth.access import Access, may
from serving.connections import refuse_unknown
from serving.openapi import GUARDED, NOT_MODIFIED, problems
from serving.problems import Problem
from serving.schemas import Products
from varai import __version__
from varai.catalogue import find_products, version
from varai.kernel import Malformed

router = APIRouter(prefix="/v1", tags=["shop"])
Word = Annotated[str | None, Query(max_length=200)]


@dataclass(frozen=True, slots=True)
class Filters:
    """Exact values that products must have; `varai.catalogue.FILTERS` names the same."""

    feed: Word = None
    status: Annotated[str | None, Query(max_length=200, examples=["active"])] = None
    brand: Word = None
    product_type: Word = None
    frame_shape: Word = None
    rim: Word = None
    material: Word = None
    gift_card: bool | None = None


@router.get(
    "/products", summary="A tenant's products", response_model=Products, responses=NOT_MODIFIED | problems(*GUARDED)
)
def list_products(
    request: Request,
    access: Annotated[Access, Depends(may("catalogue:read"))],
    wanted: Annotated[Filters, Depends()],
    limit: Annotated[int, Query(ge=1, le=250, description="products on a page")] = 50,
    after: Annotated[str | None, Query(max_length=1000, description="`next` of the page before")] = None,
) -> Response:
    """Products that are not deleted, with their variants and images, in order of identity.

    Filters are exact. `score` is the product's quality, 0 to 100; `stale` says why a newer version was kept back. Ask
    again with `If-None-Match` and get 304 while the catalogue has not changed.
    """
    chosen(request, (JSON,))
    filters = {name: value for name, value in asdict(wanted).items() if value is not None}
    scope = access.context.tenant_scope(access.tenant)
    refuse_unknown(scope, wanted.feed)
    tag = etag(__version__, access.tenant, version(scope, access.tenant), limit, after, filters)
    known = unchanged(request, tag)
    if known is not None:
        return known
    try:
        page = find_products(scope, access.tenant, limit=limit, after=after, filters=filters)
    except Malformed as error:
        raise Problem("invalid", error.what, errors=[{"where": "query", "what": error.what}]) from error
    return as_json({"tenant": access.tenant, "items": [_safe(one) for one in page.items], "next": page.next}, tag)


def _safe(product: Mapping[str, Any]) -> dict[str, Any]:
    """A product that may be shown: HTML without scripts or handlers, addresses of pictures that are web addresses."""
    html = product["description_html"]
    images = [{**image, "url": _web_address(image["url"])} for image in product["images"]]
    return {**product, "description_html": nh3.clean(html) if html is not None else None, "images": images}


def _web_address(url: str | None) -> str | None:
    return url if url is not None and url.lower().startswith(("https://", "http://")) else None

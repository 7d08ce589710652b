"""Nodes of an answer: a stored row or an object inside the body of one, their cursors and concrete types."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from sandbox.vendors.shopify.errors import ApiError
from sandbox.vendors.shopify.reader import Row
from sandbox.vendors.shopify.selection import Inner
from sandbox.vendors.shopify.store import number_of


class Node:
    """An object being answered: a stored row, or a dict found inside the body of one."""

    __slots__ = ("body", "created_at", "gid", "parent_gid", "position", "type", "updated_at")

    def __init__(self, type: str, body: dict[str, Any], row: Row | None = None) -> None:
        self.type = type
        self.body = body
        self.gid: str | None = row.gid if row else body.get("id")
        self.parent_gid = row.parent_gid if row else None
        self.position: Any = row.position if row else 0
        self.created_at = row.created_at if row else None
        self.updated_at = row.updated_at if row else None

    @property
    def cursor(self) -> str:
        """Where this node stands in the connection it was read by: [sort value, number]."""
        return encode_cursor([self.position, number_of(self.gid or "")])


def node_of(row: Row) -> Node:
    """The node of a stored row; its body is parsed here and only here."""
    return Node(row.type, orjson.loads(row.body), row)


def encode_cursor(place: Sequence[Any]) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode()


def decode_cursor(cursor: str) -> list[Any]:
    """The place a cursor names. Raises ApiError for one this API did not give."""
    try:
        place = orjson.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (binascii.Error, ValueError) as error:
        raise ApiError("Invalid cursor for current pagination sort.", code="BAD_REQUEST") from error
    if not isinstance(place, list) or len(place) != 2:
        raise ApiError("Invalid cursor for current pagination sort.", code="BAD_REQUEST")
    return place


def stored_connection(owner: str, name: str) -> str:
    """Under which connection name the children of a field are stored: a product's media are its images."""
    return "images" if (owner, name) == ("Product", "media") else name


def as_child(row: Row, owner: str, name: str) -> Node:
    """The node of a child row; an image asked for as media is wrapped the way Shopify wraps it."""
    node = node_of(row)
    if (owner, name) != ("Product", "media"):
        return node
    number = number_of(row.gid)
    image = {**node.body, "id": row.gid}
    wrapped = Node("MediaImage", {"id": f"gid://shopify/MediaImage/{number}", "image": image}, row)
    wrapped.gid = wrapped.body["id"]
    wrapped.body |= {"alt": image.get("altText"), "mediaContentType": "IMAGE", "status": "READY"}
    return wrapped


def concrete_type(inner: Inner, value: Any) -> str:
    """The concrete type of a value declared as an interface or union."""
    if isinstance(value, Node):
        return value.type
    named = value.get("__typename")
    if named in inner.by_type:
        return str(named)
    if inner.declared == "PricingValue":
        return "PricingPercentageValue" if "percentage" in value else "MoneyV2"
    if inner.declared == "DiscountApplication":
        return "DiscountCodeApplication" if "code" in value else "ManualDiscountApplication"
    raise ApiError(f"a {inner.declared} of the simulated shop lacks __typename", code="INTERNAL_SERVER_ERROR")


def page_info(items: Sequence[Node], more: bool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """`pageInfo` of a page read forwards (first, after) or backwards (last, before)."""
    forwards = "first" in arguments
    return {
        "hasNextPage": more if forwards else arguments.get("before") is not None,
        "hasPreviousPage": arguments.get("after") is not None if forwards else more,
        "startCursor": items[0].cursor if items else None,
        "endCursor": items[-1].cursor if items else None,
        "__typename": "PageInfo",
    }

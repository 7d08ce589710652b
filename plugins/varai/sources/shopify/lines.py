"""Bytes to bytes: nodes of a page and stretches of a bulk file become NDJSON lines, without a dict per record.

Two forms come out alike: a root line is the vendor's object; a child of a bulk file is a line of its own that names its
parent in `__parentId`.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from varai.kernel import Malformed, Unbalanced
from varai.sources.contract import Page
from varai.sources.decoding import decode
from varai.sources.seen import Meeting, Seen

BLOCK_BYTES: Final = 1 << 20
_CHILD: Final = b'"__parentId":"'
_HEAD = re.compile(rb'\{"id":"gid://shopify/[A-Za-z]+/([0-9]{1,18})","updatedAt":"([0-9TZ:.+-]*)"')
_NODES: Final = b'"nodes"'
_ENDED: Final = b'"pageInfo":{"hasNextPage":false'
_PARENT_TAIL = re.compile(rb',"__parentId":"[^"\n]*"\}\n')
_LEVEL = re.compile(rb'\{"id":"(gid://shopify/InventoryLevel/[^"]+)","updatedAt":"([^"]*)"')
_REFUND = re.compile(rb'"id":"gid://shopify/Refund/(\d+)"')


class PageInfo(msgspec.Struct, rename="camel"):
    """Where a connection goes on."""

    has_next_page: bool = False
    end_cursor: str | None = None


class Connection(msgspec.Struct, rename="camel"):
    """A connection whose nodes nobody looked into."""

    nodes: list[msgspec.Raw]
    page_info: PageInfo = msgspec.field(default_factory=PageInfo)


class _Count(msgspec.Struct):
    """The vendor's count of a connection."""

    count: int
    precision: str


class _Rest(msgspec.Struct, rename="camel"):
    page_info: PageInfo


class Head(msgspec.Struct, rename="camel"):
    """What is read of a record: who it is, which version, and whether its connections are complete."""

    id: str
    updated_at: str = ""
    variants: _Rest | None = None
    images: _Rest | None = None
    line_items: _Rest | None = None
    shipping_lines: _Rest | None = None
    refunds: list[Head] | None = None
    refund_line_items: _Rest | None = None
    refund_shipping_lines: _Rest | None = None
    order_adjustments: _Rest | None = None

    @property
    def complete(self) -> bool:
        """True when no connection of it goes on beyond what came."""
        for rest in (
            self.variants,
            self.images,
            self.line_items,
            self.shipping_lines,
            self.refund_line_items,
            self.refund_shipping_lines,
            self.order_adjustments,
        ):
            if rest is not None and rest.page_info.has_next_page:
                return False
        return all(refund.complete for refund in self.refunds or ())


head_of = msgspec.json.Decoder(Head).decode


class Glance(NamedTuple):
    """Whole nodes as one text of lines, with each one's number and version."""

    lines: bytes
    numbers: list[int]
    versions: list[bytes]


def glance(nodes: list[msgspec.Raw]) -> Glance | None:
    """What a page's nodes are, told bytewise; None where one of them needs a closer look.

    That is: it does not begin with an `id` of one number and `updatedAt` as selections do, is no single line, or holds a connection that
    goes on or does not say that it ends. Within a JSON string every quote is escaped, so what is counted are keys.
    """
    text = b"".join(nodes)
    if b"\n" in text or b"\r" in text or text.count(_NODES) != text.count(_ENDED):
        return None
    found = [_HEAD.match(node) for node in nodes]
    if not all(found):
        return None
    lines = b"\n".join([*nodes, b""])
    return Glance(lines, [int(one[1]) for one in found if one], [one[2] for one in found if one])


def number(gid: str | bytes) -> int:
    """The number that names a record within its type: `gid://shopify/Product/12` -> 12.

    An inventory level is named by two numbers, `InventoryLevel/5?inventory_item_id=7`; both are kept in one.
    Raises Malformed for an id that holds no number.
    """
    text = gid.decode() if isinstance(gid, bytes) else gid
    tail, _, more = text.rpartition("/")[2].partition("?")
    if not tail.isdigit():
        raise Malformed("Shopify sent an id without a number.")
    item = more.rpartition("=")[2]
    return (int(item) << 64 | int(tail)) % 0xFFFFFFFFFFFFFFC5 if item.isdigit() else int(tail)


def line_of(node: msgspec.Raw | bytes) -> bytes:
    """A node as one line. A newline can only stand between tokens, for JSON strings must escape it."""
    text = bytes(node)
    if b"\n" in text or b"\r" in text:
        text = text.replace(b"\n", b" ").replace(b"\r", b" ")
    return text + b"\n"


class Complete(NamedTuple):
    """How a record's unfinished connections are finished: connection name and owner's id in, missing nodes out."""

    drain: Callable[[str, str, str], list[msgspec.Raw]]

    def __call__(self, node: msgspec.Raw) -> bytes:
        """The node with every connection drained to its end. Raises Unbalanced where the vendor counts more or fewer than came."""
        fields = decode(node, dict[str, msgspec.Raw])
        owner = decode(fields["id"], str)
        for name, value in fields.items():
            if name == "refunds" and bytes(value) != b"null":
                refunds = [self(refund) for refund in decode(value, list[msgspec.Raw])]
                fields[name] = msgspec.Raw(b"[" + b",".join(refunds) + b"]")
            elif b'"pageInfo"' in bytes(value) and (rest := _connection(value)) and rest.page_info.has_next_page:
                nodes = rest.nodes + self.drain(name, owner, rest.page_info.end_cursor or "")
                _hold_to_count(name, len(nodes), fields.get(f"{name}Count"))
                fields[name] = msgspec.Raw(msgspec.json.encode({"nodes": nodes}))
        return msgspec.json.encode(fields)


def _hold_to_count(name: str, came: int, value: msgspec.Raw | None) -> None:
    """Compare what a connection gave with the vendor's own count of it, where there is one and it is exact."""
    if value is None or bytes(value) == b"null":
        return
    counted = decode(value, _Count)
    if counted.precision == "EXACT" and counted.count != came:
        raise Unbalanced(
            f"Shopify counts {counted.count} {name} of a record, of which {came} came.",
            "Nothing was published and the watermark stays; the next run reads the record again.",
        )


def _connection(value: msgspec.Raw) -> Connection | None:
    try:
        return decode(value, Connection)
    except msgspec.ValidationError:
        return None


class Stretch(NamedTuple):
    """Part of a bulk file: the page to land, and how many lines and roots the vendor wrote."""

    page: Page
    lines: int
    roots: int


class BulkSplitter:
    """Takes stretches of a bulk file and tells roots from children, bytewise.

    Args:
        root: type name of the stream's root records.
        seen: roots met so far; a root met before in the same version is left out.

    `again` counts further versions of a root, `refunds` holds the numbers of refunds that roots name.
    """

    def __init__(self, root: str, seen: Seen) -> None:
        self._seen = seen
        self._names_refunds = root == "Order"
        # No anchor: it would make the scan eight times dearer. Within a JSON string every quote is escaped.
        self._root = re.compile(rb'\{"id":"gid://shopify/' + root.encode() + rb'/(\d+)","updatedAt":"([^"\n]*)"')
        self.again = 0
        self.refunds = array("Q")

    def split(self, block: bytes) -> Stretch:
        """A block of whole lines. Raises Malformed for a line that is neither root nor child."""
        lines, children = block.count(b"\n"), block.count(_CHILD)
        roots = self._root.findall(block)
        if len(roots) + children != lines:
            raise Malformed("Shopify's bulk file holds a line that is neither a record of the stream nor its child.")
        meetings = [self._seen.meet(int(key), version) for key, version in roots]
        self.again += meetings.count("again")
        kept = block if "same" not in meetings else _without(block, meetings)
        if self._names_refunds:
            self.refunds.extend(map(int, _REFUND.findall(kept)))
        records = len(meetings) - meetings.count("same")
        return Stretch(Page(kept, records, records + children), lines, len(roots))


def _without(block: bytes, meetings: list[Meeting]) -> bytes:
    """The block without roots met before; `meetings` are its roots' in order."""
    met = iter(meetings)
    return b"".join(line for line in block.splitlines(keepends=True) if _CHILD in line or next(met) != "same")


class LevelSplitter:
    """Takes stretches of the bulk file of inventory items and keeps their levels, each a record of its own."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self.again = 0

    def split(self, block: bytes) -> Stretch:
        """A block of whole lines: items are left out, levels lose the name of their parent, which they hold anyway."""
        lines = block.splitlines(keepends=True)
        levels = [line for line in lines if _CHILD in line]
        kept = []
        for line in levels:
            found = _LEVEL.match(line)
            if found is None:
                raise Malformed("Shopify's bulk file of inventory holds a child that is not an inventory level.")
            met = self._seen.meet(number(found[1]), found[2])
            self.again += met == "again"
            if met != "same":
                kept.append(line)
        return Stretch(
            Page(_PARENT_TAIL.sub(b"}\n", b"".join(kept)), len(kept), len(kept)), len(lines), len(lines) - len(levels)
        )


def blocks(chunks: Iterable[bytes], size: int = BLOCK_BYTES) -> Iterator[bytes]:
    """Cut a stream of bytes into blocks of whole lines, about `size` bytes each; a last line may lack its newline."""
    held: list[bytes] = []
    length = 0
    for chunk in chunks:
        held.append(chunk)
        length += len(chunk)
        if length >= size and b"\n" in chunk:
            joined = b"".join(held)
            cut = joined.rindex(b"\n") + 1
            yield joined[:cut]
            held, length = [joined[cut:]], len(joined) - cut
    rest = b"".join(held)
    if rest.strip():
        yield rest if rest.endswith(b"\n") else rest + b"\n"

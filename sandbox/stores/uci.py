"""UCI Online Retail as a Shopify shop (GBP, Europe/London). In: DATA. Out: a shop file and the ledger of its load.

Every invoice that is neither a credit note (C) nor an adjustment (A) is an order at its earliest timestamp; lines with
a quantity or a price that is not positive are refused into the ledger; credit notes become refunds (see `credit`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from sandbox.stores import uci_bodies as bodies
from sandbox.stores.credit import Match, match_credits
from sandbox.stores.invoice_lines import InvoiceLine, read_lines
from sandbox.stores.ledger import Tally, UciLedger
from sandbox.stores.line_kinds import LineKinds, load_rules
from sandbox.stores.uci_bodies import LINES_PER_ORDER, Invoice
from sandbox.vendors.shopify.store import ShopWriter
from sandbox.world.wire import gid, instant, to_pennies

SHOP = "uci"
DOMAIN = "uci.myshopify.example.com"
TIMEZONE = "Europe/London"


def load(path: Path, data: Path, *, client_id: str, client_secret: str) -> UciLedger:
    """Write the shop to `path` (an old file there is replaced) and the ledger beside it; returns the ledger.

    Raises FileNotFoundError when DATA lacks the archive and ValueError when a stock code has no line kind.
    """
    for old in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        old.unlink(missing_ok=True)
    ledger, kinds = UciLedger(), LineKinds(load_rules(SHOP))
    accepted, notes = _sort(read_lines(data), ledger, kinds)
    matching = match_credits(accepted, notes)
    for reason, line, pieces in matching.left:
        ledger.leave(reason, line, pieces)
    ledger.matched_lines = len({match.credit.place for match in matching.matches})
    invoices = _invoices(accepted, matching.matches)
    ledger.orders = len(invoices)
    opened = min(line.when for line in accepted)
    with ShopWriter(
        path,
        name=SHOP,
        domain=DOMAIN,
        currency=bodies.CURRENCY,
        timezone=TIMEZONE,
        created_at=instant(opened),
        client_id=client_id,
        client_secret=client_secret,
        facts={"taxes_included": "false"},
    ) as writer:
        shop = _Shop(writer, kinds, ledger)
        shop.stock(accepted, opened)
        shop.register(accepted, matching.matches)
        for invoice in invoices.values():
            shop.enter(invoice)
    ledger.save(path)
    return ledger


def _sort(
    lines: Iterable[InvoiceLine], ledger: UciLedger, kinds: LineKinds
) -> tuple[list[InvoiceLine], list[InvoiceLine]]:
    """Split into accepted sales and credit notes; the rest is refused into the ledger."""
    accepted: list[InvoiceLine] = []
    notes: list[InvoiceLine] = []
    for line in lines:
        if line.invoice.startswith("C"):
            notes.append(line)
            ledger.credits.add(-line.amount)
        elif line.invoice.startswith("A"):
            ledger.refuse("adjustment of bad debt (A)", line)
        elif line.quantity <= 0:
            ledger.refuse("quantity not positive", line)
        elif line.price <= 0:
            ledger.refuse("price not positive", line)
        else:
            accepted.append(line)
            _count(line, ledger, kinds)
    return accepted, notes


def _count(line: InvoiceLine, ledger: UciLedger, kinds: LineKinds) -> None:
    kind = kinds.of(line.code)
    if kind == "unknown":
        raise ValueError(f"Stock code {line.code!r} has no line kind; add a pattern to sandbox/stores/uci.toml.")
    pennies = line.pennies
    ledger.accepted.add(pennies)
    ledger.kinds.setdefault(kind, Tally()).add(pennies)
    if not line.code[:5].isdigit() or len(line.code) < 5:
        ledger.other_codes.add(pennies)


def _invoices(accepted: list[InvoiceLine], matches: list[Match]) -> dict[str, Invoice]:
    found: dict[str, Invoice] = {}
    for line in accepted:
        invoice = found.get(line.invoice)
        if invoice is None:
            invoice = found[line.invoice] = Invoice(int(line.invoice))
        invoice.lines.append(line)
    for match in matches:
        found[match.sold.invoice].matches.append(match)
    return found


class _Shop:
    """Writes the shop's nodes."""

    def __init__(self, writer: ShopWriter, kinds: LineKinds, ledger: UciLedger) -> None:
        self.writer, self.kinds, self.ledger = writer, kinds, ledger
        self._numbers: dict[str, int] = {}
        self._refunds: Counter[int] = Counter()

    def stock(self, accepted: list[InvoiceLine], opened: datetime) -> None:
        """The location, and a product with one variant for every stock code of a product."""
        put = self.writer.put
        place = bodies.location_body()
        put(place["id"], "Location", place, created_at=instant(opened), updated_at=instant(opened))
        first: dict[str, InvoiceLine] = {}
        last: dict[str, InvoiceLine] = {}
        for line in accepted:
            if self.kinds.of(line.code) == "product":
                first.setdefault(line.code, line)
                last[line.code] = line
        for number, code in enumerate(sorted(first), 1):
            self._numbers[code] = number
            created, updated = instant(first[code].when), instant(last[code].when)
            body = bodies.product_body(number, last[code], first[code])
            variant, item = bodies.variant_body(number, last[code]), bodies.item_body(number, last[code])
            put(body["id"], "Product", body, created_at=created, updated_at=updated)
            put(
                variant["id"],
                "ProductVariant",
                variant,
                parent=body["id"],
                connection="variants",
                position=1,
                created_at=created,
                updated_at=updated,
            )
            put(item["id"], "InventoryItem", item, created_at=created, updated_at=updated)

    def register(self, accepted: list[InvoiceLine], matches: list[Match]) -> None:
        """A customer for every number that bought something."""
        lines: dict[int, list[InvoiceLine]] = defaultdict(list)
        given: dict[int, Decimal] = defaultdict(Decimal)
        for line in accepted:
            if line.customer is not None:
                lines[line.customer].append(line)
        for match in matches:
            if match.sold.customer is not None:
                given[match.sold.customer] += match.amount
        for customer, bought in sorted(lines.items()):
            orders = len({line.invoice for line in bought})
            spent = sum((line.pennies for line in bought), Decimal(0)) - given[customer]
            body = bodies.customer_body(customer, bought[-1].country, orders, spent)
            self.writer.put(
                body["id"], "Customer", body, created_at=instant(bought[0].when), updated_at=instant(bought[-1].when)
            )

    def enter(self, invoice: Invoice) -> None:
        """An order with its lines, its payment and its refunds."""
        put, body = self.writer.put, bodies.order_body(invoice)
        when, parent = body["processedAt"], body["id"]
        touched = max([when, *(instant(match.credit.when) for match in invoice.matches)])
        put(parent, "Order", body, created_at=when, updated_at=touched)
        returned: Counter[int] = Counter()
        for match in invoice.matches:
            returned[match.sold.place] += match.quantity
        gids: dict[int, str] = {}
        for position, line in enumerate(invoice.lines, 1):
            identity = gids[line.place] = gid("LineItem", invoice.number * LINES_PER_ORDER + position)
            item = bodies.line_body(line, self._numbers.get(line.code), self.kinds.of(line.code), returned[line.place])
            put(
                identity,
                "LineItem",
                item,
                parent=parent,
                connection="lineItems",
                position=position,
                created_at=when,
                updated_at=when,
            )
        self._pay(parent, invoice.number, 1, "SALE", invoice.total, when)
        self._give_back(invoice, gids)

    def _give_back(self, invoice: Invoice, gids: dict[int, str]) -> None:
        """One refund per credit note that answers for lines of this order."""
        notes: dict[str, list[Match]] = defaultdict(list)
        for match in invoice.matches:
            notes[match.credit.invoice].append(match)
        order = gid("Order", invoice.number)
        for note, matches in notes.items():
            number = int(note[1:])
            self._refunds[number] += 1
            refund = number * LINES_PER_ORDER + self._refunds[number]
            when = instant(min(match.credit.when for match in matches))
            body = {**bodies.refund_body(gid("Refund", refund), order, matches), "processedAt": when}
            self.writer.put(
                body["id"], "Refund", body, parent=order, connection="refunds", created_at=when, updated_at=when
            )
            for position, match in enumerate(matches, 1):
                self._refund_line(refund, position, match, gids, when)
            amount = sum((to_pennies(match.amount) for match in matches), Decimal(0))
            self._pay(order, refund, 2, "REFUND", amount, when)
            self.ledger.refunds += 1

    def _refund_line(self, refund: int, position: int, match: Match, gids: dict[int, str], when: str) -> None:
        identity = gid("RefundLineItem", refund * LINES_PER_ORDER + position)
        row = bodies.refund_line_body(identity, gids[match.sold.place], match)
        self.writer.put(
            identity,
            "RefundLineItem",
            row,
            parent=gid("Refund", refund),
            connection="refundLineItems",
            position=position,
            created_at=when,
            updated_at=when,
        )
        self.ledger.matched.add(to_pennies(match.amount))

    def _pay(self, order: str, number: int, offset: int, kind: str, amount: Decimal, when: str) -> None:
        body = bodies.payment_body(gid("OrderTransaction", number * 10 + offset), order, kind, amount, when)
        self.writer.put(
            body["id"],
            "OrderTransaction",
            body,
            parent=order,
            connection="transactions",
            position=offset,
            created_at=when,
            updated_at=when,
        )

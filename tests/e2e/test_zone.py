"""A shop moves to another zone: what it sold before keeps its date, whenever it is sent again; what it sells then has the new one."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sandbox.vendors.shopify.store import write_meta
from sandbox.world.wire import instant
from tests.e2e.stack import Stack, just_now, rewrite
from varai import warehouse
from varai.river.transform import transform

FAR = ("Pacific/Kiritimati", "Etc/GMT+12")


def test_a_sale_keeps_its_date_when_the_shop_moves(clean_stack: Stack) -> None:
    stack, home = clean_stack, ZoneInfo(clean_stack.spec.timezone)
    assert stack.run().failures == {}
    booked, sold = _dates(stack), _sold(stack)
    moved, now = just_now(), datetime.now(UTC)
    away = next(zone for zone in FAR if now.astimezone(ZoneInfo(zone)).date() != now.astimezone(home).date())
    assert any(at.astimezone(ZoneInfo(away)).date() != booked[order] for order, at in sold.items())

    *old, last = sold
    stack.touch(old, note="seen to again")
    stack.edit(lambda writer, at: rewrite(stack.shop, writer, last, {"processedAt": instant(now)}, at))
    write_meta(stack.shop, {"timezone": away, "updated_at": moved})
    assert stack.run().failures == {}
    assert stack.slices()["orders"]["published"] == len(sold)  # all were mapped and written again
    assert _dates(stack) == booked | {last: now.astimezone(ZoneInfo(away)).date()}
    report = transform(stack.settings, stack.region, holder="test")
    assert (set(report.snapshots), report.withheld) == ({stack.spec.name}, ())


def _sold(stack: Stack) -> dict[str, datetime]:
    bodies = stack.bodies("Order")
    return {gid: datetime.fromisoformat(body["processedAt"]) for gid, body in bodies.items()}


def _dates(stack: Stack) -> dict[str, date]:
    with warehouse.connect(stack.settings.scope(stack.region)) as opened:
        rows = opened.rows('SELECT source_id, processed_on FROM raw."order" WHERE NOT deleted')
    return {f"gid://shopify/Order/{source_id}": on for source_id, on in rows}

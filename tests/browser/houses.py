"""The installations that are looked at: one with everything on its pages, one with nothing, one with 10,000 days."""

from __future__ import annotations

from datetime import date, timedelta

from furnished import DAILY, NEWEST, House, ago

from dayfill.domain.run import Failure
from installation import NOON

ADS, SHOP, WEATHER, EVIL = (
    "Demo Ads",
    "Shop orders",
    "Weather",
    "<img src=x onerror=alert(1)>\"'&{{7*7777777}}</script>",
)
HOUR_MS = 3_600_000
"""A source that takes an hour for a day: days stay running while they are looked at."""
ADS_DAYS = 1096
AUTH = Failure("AUTH", "The ads account refused the login: sign in again, then retry.", transient=False)
LIMIT = Failure("RATE_LIMIT", "The ads API answered 429: the daily quota of 25,000 tokens is used up.", transient=False)
SLOW = Failure("TIMEOUT", "The ads API did not answer within 300 seconds.", transient=False)
COLUMN = Failure("SCHEMA", "Column cost is INTEGER in the destination, the source sent 12.5.", transient=False)
FAILURES = {
    **dict.fromkeys(map(ago, range(90, 101)), AUTH),
    **dict.fromkeys(map(ago, (23, 110, 141, 164, 275, 301, 333, 410)), LIMIT),
    **dict.fromkeys(map(ago, (64, 290, 502)), SLOW),
    ago(255): COLUMN,
}


async def empty(house: House) -> None:
    """Nothing but a team and its owner."""


async def full(house: House) -> None:
    """Four transfers: under backfill and failing for four causes; healthy; paused; with a name that is markup."""
    made = house.made
    healthy = await house.transfer(SHOP, "shop_orders", DAILY)
    await house.backfill(healthy, ago(729), NEWEST)
    await house.work(730)
    paused = await house.transfer(WEATHER, "weather")
    await house.backfill(paused, ago(364), NEWEST)
    await house.work(365)
    made.execute("UPDATE transfers SET state = 'paused' WHERE transfer_id = :id", id=paused)
    evil = await house.transfer(EVIL, "evil")
    await house.backfill(evil, ago(9), NEWEST)
    await house.work(10, {ago(3): Failure("SOURCE", f"No such report: {EVIL}", transient=False)})
    await ads(house, ADS_DAYS, 640)


async def pretty(house: House) -> None:
    """What an installation of some months looks like: healthy, paused, out of its login, and under a backfill."""
    made = house.made
    made.now -= timedelta(hours=2)
    shop = await house.transfer(SHOP, "shop_orders", DAILY)
    await house.backfill(shop, ago(729), NEWEST)
    while await house.work(20):
        pass
    await stale(house, shop, ago(130), ago(117))
    news = await house.transfer("Newsletter", "newsletter", DAILY)
    await house.backfill(news, ago(364), NEWEST)
    await house.work(365, dict.fromkeys(map(ago, range(3)), AUTH))
    weather = await house.transfer(WEATHER, "weather")
    await house.backfill(weather, ago(364), NEWEST)
    await house.work(365)
    made.execute("UPDATE transfers SET state = 'paused' WHERE transfer_id = :id", id=weather)
    await ads(house, ADS_DAYS, 640)


async def stale(house: House, transfer_id: int, first: date, last: date) -> None:
    """Days that are loaded, but not as they would be loaded now."""
    changed = {"id": transfer_id, "first": str(first), "last": str(last)}
    house.made.execute(
        "UPDATE transfer_days SET settled = 's' WHERE transfer_id = :id AND data_date BETWEEN :first AND :last",
        **changed,
    )


async def ads(house: House, days: int, done: int) -> None:
    """A transfer whose backfill has ended so many of its days, and goes on to the older ones as slowly as can be."""
    made = house.made
    transfer = await house.transfer(ADS, "demo_ads", DAILY, delay_ms=HOUR_MS, parallelism=6, deadline_seconds=86_400)
    # One day long before the others: what lies between is missing.
    await house.backfill(transfer, ago(days - 1), ago(days - 1))
    await house.work(1)
    made.now = NOON - timedelta(minutes=3)
    house.ids["backfill"] = await house.backfill(transfer, ago(days - 31), NEWEST)
    for step in range(18):
        seconds = 2.1 + step * 7 % 18 * 0.35
        made.now += timedelta(seconds=10 - seconds)
        await house.work(done // 18, FAILURES, seconds)
    await stale(house, transfer, ago(52), ago(46))


async def lively(house: House) -> None:
    """A transfer whose source answers: 120 days, of which 14 have failed and a retry loads them."""
    transfer = await house.transfer(ADS, "demo_ads", delay_ms=400, parallelism=2)
    await house.backfill(transfer, ago(119), NEWEST)
    await house.work(120, FAILURES)


async def several(house: House) -> None:
    """Two transfers with a schedule and a few failed days, which a retry loads."""
    for name, table in ((ADS, "demo_ads"), (SHOP, "shop_orders")):
        transfer = await house.transfer(name, table, DAILY, parallelism=2)
        await house.backfill(transfer, ago(29), NEWEST)
        await house.work(30, {ago(3): SLOW, ago(5): LIMIT})


async def quick(house: House) -> None:
    """10,000 days at rest: the newest 9,960 are loaded, so is the oldest; those between are missing."""
    transfer = await house.transfer(ADS, "demo_ads", parallelism=32)
    await house.backfill(transfer, ago(9_999), ago(9_999))
    await house.work(1)
    await house.backfill(transfer, ago(9_959), NEWEST)
    while await house.work(2_000):
        pass


async def long(house: House) -> None:
    """10,000 days, a backfill on its way through them."""
    await ads(house, 10_000, 5_400)

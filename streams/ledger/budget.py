"""How many calls a tenant has left (design section 7.3).

A slot of the minute is taken by a call that is not answered, or was answered under 60 s ago: measured from the answer,
because Xero's window may begin when the call arrives. What Xero says it has left tells how many of the minute others
have used. Facts: 60 calls a minute and 5 at once per organisation, 5,000 a day (1,000 on Starter).

The sender spreads the second half of the minute's calls until more become free, so that there is always one soon; and
while a person waits for a slot, the sender takes none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Select, Subquery, and_, bindparam, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.xero.answers import window_of
from connectors.xero.ticket import Answer, Purpose
from streams.core.reactions import throttled_s
from streams.core.situation import Budget
from streams.ledger import bulk, tables

MINUTE: Final = timedelta(seconds=60)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
MINUTE_LIMIT: Final = 60
IN_FLIGHT_LIMIT: Final = 5
DAY_LIMIT: Final = 5000
# What Xero's plans allow a day: its first reading tells which one it is.
_DAY_LIMITS: Final = (1000, DAY_LIMIT)
# Kept for finding out what became of calls, which must always be possible.
DAY_RESERVE: Final = 50
# Nobody says when Xero's day begins: out of the reserve one call goes out so often, and its answer tells.
_DAY_ASK: Final = timedelta(minutes=15)
# A count of the day that is higher by so much than the one before belongs to a new day.
_DAY_JUMP: Final = 100
# So often the sender asks whether a person still waits; who waits asks in time, or has gone.
_YIELD_S: Final = 0.25
_PERSON_LATE: Final = timedelta(seconds=1)
# The sender spreads its calls when no more of the minute than this is left.
_SPREAD_FROM: Final = MINUTE_LIMIT // 2

APP_MINUTE_LIMIT: Final = 10_000
_APP_LEAST: Final = APP_MINUTE_LIMIT // 20

_calls: Final = tables.calls
_tenants: Final = tables.tenants
_ledger: Final = tables.ledger


Limit = Literal["retry", "in_flight", "minute", "day", "changed"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """No slot: for how long at least, which limit it is, and in words."""

    seconds: float
    limit: Limit
    text: str


async def lock(connection: AsyncConnection, tenant: str) -> None:
    """Let no other transaction count this tenant's slots until this one ends."""
    row = {"tenant": tenant, "foreign_calls": 0, "day_limit": DAY_LIMIT}
    await bulk.insert_missing(connection, _tenants, [row])
    await connection.execute(
        select(_tenants.c.tenant).where(_tenants.c.tenant == tenant).with_for_update(key_share=True)
    )


async def read(connection: AsyncConnection, tenant: str, now: datetime) -> Budget:
    """What is left at `now`."""
    return await _left(connection, tenant, now, await _tenant(connection, tenant))


async def _tenant(connection: AsyncConnection, tenant: str) -> Mapping[str, Any]:
    found = (await connection.execute(select(_tenants).where(_tenants.c.tenant == tenant))).mappings().first()
    return dict(found or {})


async def _left(connection: AsyncConnection, tenant: str, now: datetime, row: Mapping[str, Any]) -> Budget:
    day_start, day_since, day_limit = _day(now, row)
    values = {"tenant": tenant, "day_since": day_since, **_moments(now)}
    in_flight, minute, day_used, hour_used, app_not_before = (await connection.execute(_COUNTS, values)).one()
    not_before = max((at for at in (row.get("not_before"), app_not_before) if at is not None), default=None)
    return Budget(
        in_flight_left=max(IN_FLIGHT_LIMIT - in_flight, 0),
        minute_left=max(MINUTE_LIMIT - minute - _foreign(row, now), 0),
        day_left=max(day_start - day_used, 0),
        day_limit=day_limit,
        hour_used=hour_used,
        minute_limit=MINUTE_LIMIT,
        not_before=not_before if not_before is not None and not_before > now else None,
    )


async def refusal(
    connection: AsyncConnection, tenant: str, purpose: Purpose, now: datetime, *, is_urgent: bool = False
) -> Refusal | None:
    """Why no call may be opened at `now`, or None if one may. `is_urgent`: a person waits for it. The tenant must be
    locked."""
    row = await _tenant(connection, tenant)
    left = await _left(connection, tenant, now, row)
    if left.not_before is not None:
        return Refusal((left.not_before - now).total_seconds(), "retry", "Xero asked us to come back later")
    if not is_urgent and (row.get("person_until") or now) > now:
        return Refusal(_YIELD_S, "minute", "a person goes first")
    if left.in_flight_left == 0:
        return Refusal(0.1, "in_flight", "5 calls are under way")
    refused = await _minute(connection, tenant, left, now, is_urgent=is_urgent)
    reserve = 0 if is_urgent or purpose in ("look", "resend") else DAY_RESERVE
    if refused is None and left.day_left <= reserve:
        refused = await _day_used_up(connection, tenant, left, now)
    return refused


async def person_waits(connection: AsyncConnection, tenant: str, now: datetime, seconds: float) -> None:
    """A person found no slot and comes again in so many seconds: until then the sender takes none."""
    until = now + timedelta(seconds=seconds) + _PERSON_LATE
    await connection.execute(update(_tenants).where(_tenants.c.tenant == tenant).values(person_until=until))


async def person_goes(connection: AsyncConnection, tenant: str) -> None:
    """The person got one."""
    await connection.execute(update(_tenants).where(_tenants.c.tenant == tenant).values(person_until=None))


async def _minute(
    connection: AsyncConnection, tenant: str, left: Budget, now: datetime, *, is_urgent: bool
) -> Refusal | None:
    if left.minute_left == 0:
        return Refusal(await _next_slot(connection, tenant, now), "minute", "the minute's 60 calls are used up")
    if is_urgent or left.minute_left > _SPREAD_FROM:
        return None
    spread_s = await _next_slot(connection, tenant, now) / left.minute_left
    opened_at = await _last_opened(connection, tenant) or now - MINUTE
    wait_s = spread_s - (now - opened_at).total_seconds()
    return Refusal(wait_s, "minute", "the minute's calls are spread") if wait_s > 0 else None


async def _day_used_up(connection: AsyncConnection, tenant: str, left: Budget, now: datetime) -> Refusal | None:
    opened_at = await _last_opened(connection, tenant)
    if opened_at is None or (left.day_left > 0 and opened_at + _DAY_ASK <= now):
        return None
    wait = opened_at + _DAY_ASK - now
    return Refusal(max(wait.total_seconds(), 1.0), "day", "the day's calls are used up")


async def _last_opened(connection: AsyncConnection, tenant: str) -> datetime | None:
    statement = select(_calls.c.opened_at).where(_calls.c.tenant == tenant).order_by(_calls.c.ends_at.desc()).limit(1)
    found: datetime | None = (await connection.execute(statement)).scalar()
    return found


async def next_call_at(connection: AsyncConnection, tenant: str, now: datetime) -> datetime | None:
    """When the tenant's next write may be opened; None if that is now, or as soon as a call under way ends."""
    refused = await refusal(connection, tenant, "write", now)
    if refused is None or refused.limit == "in_flight":
        return None
    return now + timedelta(seconds=refused.seconds)


# Put together once, and asked in one statement: the sender does so before each call.
_TENANT: Final = bindparam("tenant", type_=_calls.c.tenant.type)
_NOW, _MINUTE_AGO, _HOUR_AGO, _DAY_SINCE = (
    bindparam(name, type_=_calls.c.ends_at.type) for name in ("now", "minute_ago", "hour_ago", "day_since")
)
_OURS: Final = (_calls.c.tenant == _TENANT, _calls.c.left_us)
_IN_FLIGHT: Final = and_(_calls.c.answered_at.is_(None), _calls.c.ends_at > _NOW)
_IN_MINUTE: Final = and_(
    _calls.c.ends_at > _MINUTE_AGO,
    case((_calls.c.answered_at.is_(None), _calls.c.ends_at), else_=_calls.c.answered_at) > _MINUTE_AGO,
)
_DAY_USED: Final = select(func.count(_calls.c.number)).where(*_OURS, _calls.c.opened_at > _DAY_SINCE)
# By an index alone: calls count until they can no longer be under way.
_HOUR_USED: Final = select(func.count()).where(_calls.c.tenant == _TENANT, _calls.c.ends_at > _HOUR_AGO)


def _used(in_minute: ColumnElement[bool]) -> Subquery:
    return (
        select(
            func.coalesce(func.sum(case((_IN_FLIGHT, 1), else_=0)), 0).label("in_flight"),
            func.count(_calls.c.number).label("minute"),
        )
        .where(*_OURS, or_(_IN_FLIGHT, in_minute))
        .subquery("used")
    )


def _counts(in_minute: ColumnElement[bool]) -> Select[Any]:
    used = _used(in_minute)
    return select(
        used.c.in_flight,
        used.c.minute,
        _DAY_USED.scalar_subquery(),
        _HOUR_USED.scalar_subquery(),
        select(_ledger.c.app_not_before).scalar_subquery(),
    )


_COUNTS: Final = _counts(_IN_MINUTE)
_MINUTE_USED: Final = select(_used(_IN_MINUTE).c.minute)


def _moments(now: datetime) -> dict[str, datetime]:
    return {"now": now, "minute_ago": now - MINUTE, "hour_ago": now - HOUR}


async def _next_slot(connection: AsyncConnection, tenant: str, now: datetime) -> float:
    """Seconds until the oldest slot of the minute is free; at most a minute, as foreign calls may fill it."""
    statement = select(func.min(_calls.c.answered_at)).where(
        _calls.c.tenant == tenant, _calls.c.left_us, _calls.c.answered_at > now - MINUTE
    )
    oldest = (await connection.execute(statement)).scalar()
    return 1.0 if oldest is None else max((oldest + MINUTE - now).total_seconds(), 0.05)


def _foreign(row: Mapping[str, Any], now: datetime) -> int:
    read_at = row.get("minute_read_at")
    return int(row["foreign_calls"]) if read_at is not None and read_at > now - MINUTE else 0


def _day(now: datetime, row: Mapping[str, Any]) -> tuple[int, datetime, int]:
    """How many calls the day had left, at a moment from which ours count, and what the plan allows a day."""
    limit = row.get("day_limit") or DAY_LIMIT
    read_at, remaining = row.get("day_read_at"), row.get("day_remaining")
    if read_at is not None and read_at > now and remaining is None:
        return 0, now, limit
    # A count may also be a moment younger than `now`: whoever opens a call may have waited for whoever noted an answer.
    if read_at is not None and read_at > now - DAY:
        return (limit if remaining is None else remaining), read_at, limit
    return limit, now - DAY, limit


async def learn(connection: AsyncConnection, tenant: str, answer: Answer, now: datetime) -> None:
    """Keep what an answer says about the limits, and how long it was. The call itself must be marked as answered
    before."""
    values = _egress(answer, now)
    if answer.minute_remaining is not None:
        moments = {"tenant": tenant, "now": now, "minute_ago": now - MINUTE}
        used = (await connection.execute(_MINUTE_USED, moments)).scalar_one()
        values["foreign_calls"] = max(MINUTE_LIMIT - answer.minute_remaining - used, 0)
        values["minute_read_at"] = now
    if answer.day_remaining is not None:
        # A day that begins later (a 429 said when) has nothing to do with a call that was under way meanwhile.
        begins_later = and_(_tenants.c.day_read_at > now, _tenants.c.day_remaining.is_(None))
        values |= {
            "day_limit": _day_limit(answer.day_remaining, now),
            "day_remaining": case((begins_later, _tenants.c.day_remaining), else_=answer.day_remaining),
            "day_read_at": case((begins_later, _tenants.c.day_read_at), else_=now),
        }
    if answer.status == 429:
        values |= await _throttled(connection, answer, now)
    elif answer.app_minute_remaining is not None and answer.app_minute_remaining < _APP_LEAST:
        next_minute = now.replace(second=0, microsecond=0) + MINUTE
        await _app_waits(connection, next_minute)
    await connection.execute(update(_tenants).where(_tenants.c.tenant == tenant).values(**values))


def _egress(answer: Answer, now: datetime) -> dict[str, Any]:
    """Xero's plans count what is read by the month. Bytes before compression: what is charged is less, never more."""
    month = now.strftime("%Y-%m")
    before = case((_tenants.c.egress_month == month, _tenants.c.egress_bytes), else_=0)
    return {"egress_bytes": before + len(answer.body), "egress_month": month}


async def egress(connection: AsyncConnection, now: datetime) -> dict[str, int]:
    """Bytes that Xero has answered this month, by tenant."""
    statement = select(_tenants.c.tenant, _tenants.c.egress_bytes).where(
        _tenants.c.egress_month == now.strftime("%Y-%m")
    )
    return {row[0]: row[1] for row in await connection.execute(statement)}


def _day_limit(remaining: int, now: datetime) -> Any:
    """The plan's calls a day: told by the first count of a day, of which little can be used."""
    plan = next((limit for limit in _DAY_LIMITS if limit >= remaining), remaining)
    is_new = or_(
        _tenants.c.day_remaining.is_(None),
        _tenants.c.day_read_at <= now - DAY,
        _tenants.c.day_remaining + _DAY_JUMP < remaining,
        _tenants.c.day_limit < remaining,
    )
    return case((is_new, plan), else_=_tenants.c.day_limit)


async def _throttled(connection: AsyncConnection, answer: Answer, now: datetime) -> dict[str, Any]:
    """A 429 puts the tenant off, and where Xero says until when, its count is believed until then and no longer."""
    window = window_of(answer.rate_limit_problem)
    until = now + timedelta(seconds=throttled_s(window, answer.retry_after_s))
    if window == "appminute":
        await _app_waits(connection, until)
        return {}
    # An answer to a call that was under way at the same time may ask for less.
    values: dict[str, Any] = {"not_before": _later(_tenants.c.not_before, until), "not_before_reason": window}
    if window == "minute":
        values["minute_read_at"] = until - MINUTE
    elif window == "day":
        # Nothing of the old day counts in the new one; what that has left, its first answer tells.
        values |= {"day_remaining": None, "day_read_at": until}
    return values


async def _app_waits(connection: AsyncConnection, until: datetime) -> None:
    await connection.execute(update(_ledger).values(app_not_before=_later(_ledger.c.app_not_before, until)))


def _later(column: Any, moment: datetime) -> Any:
    """The later of what the column holds and the moment."""
    return case((column > moment, column), else_=moment)

"""What the sender reads of Xero to hear what changed there: named documents, many at a time, and lists page by page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from sqlalchemy import case, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.xero.wire import moment
from streams.clock import Clock
from streams.core import surveys
from streams.core.heard import Told
from streams.core.situation import Document
from streams.core.surveys import BACKFILLED, SURVEYS, Survey
from streams.ledger import bulk, documents, hearing, leases, overdue, tables, tables_hearing, telling
from streams.ledger.among import among
from streams.ledger.engine import Store
from streams.ledger.repeat import repeated
from streams.ledger.telling import Voice

# As many as one call can ask for.
READ_MAX: Final = 50
# Deliveries overtake each other, and a retry comes within minutes; a gap that stays is one.
GAP_PATIENCE: Final = timedelta(minutes=2)

# A webhook's time and the document's own are of one change if they are so near; how they relate, Xero does not say.
_SAME: Final = timedelta(milliseconds=30)

_BEFORE_ALL: Final = datetime(2000, 1, 1, tzinfo=UTC)

_readings: Final = tables_hearing.readings
_told: Final = tables_hearing.told
_surveys: Final = tables_hearing.surveys
_gaps: Final = tables_hearing.gaps
_documents: Final = tables.documents


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """Whom we listen to: the tenant, its id in Xero, how often lists are asked for what was modified, and its zone.
    `source` tells what is heard, and its webhooks may have gaps."""

    tenant: str
    xero_tenant_id: str
    source: str
    every: timedelta
    zone: ZoneInfo

    @property
    def voice(self) -> Voice:
        return Voice(tenant=self.tenant, xero_tenant_id=self.xero_tenant_id, source=self.source, zone=self.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Documents of one resource that wait to be read, oldest first; the first was named at `since`."""

    resource: Told
    ids: tuple[str, ...]
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`survey` is the one that is due first. `is_overdue`: some invoice is, and was not told to be."""

    waiting: Waiting | None
    survey: Survey | None
    is_overdue: bool


class Listening:
    """Every method raises LedgerUnavailable; what writes raises FenceLost where another worker owns the tenant."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @repeated
    async def begin(self, one: Organisation) -> None:
        """Have every survey of the organisation in the table. The first of each is due at once."""
        now = self._clock.now()
        rows = [
            {
                "tenant": one.tenant,
                "name": name,
                "page": 1,
                "modified_since": surveys.first_since(name, now),
                "listened_since": now,
                "next_at": now,
            }
            for name in SURVEYS
        ]
        async with self._store.write() as connection:
            await bulk.insert_missing(connection, _surveys, rows)

    @repeated
    async def due(self, organisations: Iterable[Organisation]) -> tuple[frozenset[str], frozenset[str]]:
        """Who has something to be read, or to be told by the clock: ids of organisations in Xero, and tenants. Of
        `organisations`, which are those that are listened to, the day is known."""
        now = self._clock.now()
        zones: dict[ZoneInfo, list[str]] = {}
        for one in organisations:
            zones.setdefault(one.zone, []).append(one.tenant)
        late = [select(_told.c.tenant).where(overdue.is_late(some, zone, now)) for zone, some in zones.items()]
        due = select(_surveys.c.tenant).where(_surveys.c.next_at <= now)
        async with self._store.read() as connection:
            named = {row[0] for row in await connection.execute(select(_readings.c.xero_tenant_id).distinct())}
            tenants = await connection.execute(due.union(*late))
            return frozenset(named), frozenset(row[0] for row in tenants)

    @repeated
    async def look(self, one: Organisation) -> Look:
        """What is there to do for the organisation."""
        now = self._clock.now()
        async with self._store.read() as connection:
            return Look(
                waiting=await _waiting(connection, one),
                survey=await _survey(connection, one, now),
                is_overdue=await _is_overdue(connection, one, now),
            )

    @repeated
    async def drop_told(self, one: Organisation, fence: int) -> int:
        """Let go what was named of versions that were told already: the answers to our own writes, above all. How
        many documents need no reading by that."""
        statement = (
            select(_readings.c.resource, _readings.c.xero_id, _readings.c.changed_at, _told.c.changed_at)
            .join(_told, (_told.c.resource == _readings.c.resource) & (_told.c.xero_id == _readings.c.xero_id))
            .where(_readings.c.xero_tenant_id == one.xero_tenant_id.lower(), _told.c.tenant == one.tenant)
            .limit(10 * READ_MAX)
        )
        now = self._clock.now()
        known: dict[str, list[str]] = {}
        async with self._store.write() as connection:
            await leases.check(connection, one.tenant, fence)
            for resource, xero_id, named_at, told_at in await connection.execute(statement):
                if told_at >= named_at - _SAME:
                    known.setdefault(resource, []).append(xero_id)
            for resource, ids in known.items():
                await self._read(connection, one, resource, ids, now)
        return sum(map(len, known.values()))

    @repeated
    async def read(
        self,
        one: Organisation,
        resource: Told,
        ids: Sequence[str],
        found: Sequence[Document],
        asked_at: datetime,
        fence: int,
    ) -> int:
        """Keep what a reading that was asked for at `asked_at` showed, and tell of it; how many news that made."""
        now = self._clock.now()
        async with self._store.write() as connection:
            await leases.check(connection, one.tenant, fence)
            news = await telling.tell(connection, one.voice, found, now)
            await documents.save_newer(connection, one.tenant, found)
            await self._read(connection, one, resource, ids, asked_at)
        return news

    @repeated
    async def surveyed(
        self, one: Organisation, survey: Survey, found: Sequence[Document], asked_at: datetime, fence: int
    ) -> int:
        """Keep a page of a survey, tell of it, and go on to the next page or time; how many news that made."""
        now = self._clock.now()
        began_at = survey.began_at or asked_at
        if surveys.is_last(survey, len(found)):
            values: dict[str, Any] = {
                "page": 1,
                "began_at": None,
                "ended_at": now,
                "reason": None,
                "modified_since": surveys.next_since(survey, began_at),
                "next_at": surveys.next_at(survey.name, began_at, one.every, one.zone),
            }
        else:
            page, since = surveys.goes_on(survey, [moment(one.body, "UpdatedDateUTC") for one in found])
            values = {"page": page, "modified_since": since, "began_at": began_at, "next_at": now}
        async with self._store.write() as connection:
            await leases.check(connection, one.tenant, fence)
            news = await telling.tell(connection, one.voice, found, now, listened_since=survey.listened_since)
            await documents.save_newer(connection, one.tenant, found)
            if survey.name == "Payments" and not survey.is_first:
                await hearing.to_be_read(connection, _paid(one, found), now)
            # A resync that was asked for meanwhile has put the survey back to its beginning: it stays so.
            mine = (_surveys.c.tenant == one.tenant, _surveys.c.name == survey.name, _surveys.c.page == survey.page)
            asked = _surveys.c.modified_since
            unmoved = asked.is_(None) if survey.modified_since is None else asked == survey.modified_since
            await connection.execute(update(_surveys).where(*mine, unmoved).values(**values))
        return news

    @repeated
    async def put_off(self, one: Organisation, survey: Survey) -> None:
        """The page could not be read."""
        async with self._store.write() as connection:
            mine = (_surveys.c.tenant == one.tenant, _surveys.c.name == survey.name)
            await connection.execute(update(_surveys).where(*mine).values(next_at=self._clock.now() + surveys.AGAIN))

    @repeated
    async def tell_overdue(self, one: Organisation, fence: int) -> int:
        """Tell of invoices that became overdue; how many."""
        async with self._store.write() as connection:
            await leases.check(connection, one.tenant, fence)
            return await telling.tell_overdue(connection, one.voice, self._clock.now())

    @repeated
    async def gaps(self, sources: Mapping[str, Sequence[str]]) -> Mapping[str, int]:
        """Deliveries that still have not come: what they could have told is asked for. `sources` are those that send
        webhooks, with the tenants that they may tell of. By source, how many gaps there were."""
        now = self._clock.now()
        found: dict[str, int] = {}
        async with self._store.write() as connection:
            late = select(_gaps).where(_gaps.c.noticed_at <= now - GAP_PATIENCE)
            for row in (await connection.execute(late)).mappings().all():
                tenants = sources.get(row["source"], ())
                reason = hearing.missing(row["source"], row["first"], row["last"])
                await _ask_again(connection, tenants, row["since"] - GAP_PATIENCE, now, reason)
                await connection.execute(
                    delete(_gaps).where(_gaps.c.source == row["source"], _gaps.c.first == row["first"])
                )
                found[row["source"]] = found.get(row["source"], 0) + 1
        return found

    @repeated
    async def resync(self, tenants: Sequence[str], since: datetime, reason: str) -> int:
        """Ask for everything that was modified since a moment; how many surveys that begins."""
        async with self._store.write() as connection:
            return await _ask_again(connection, tenants, since, self._clock.now(), reason)

    @repeated
    async def settings(self, one: Organisation) -> Sequence[Document]:
        """The organisation's own record and its accounts, as they were read last; none if they never were."""
        statement = select(_documents).where(
            _documents.c.tenant == one.tenant, _documents.c.resource.in_(surveys.SETTINGS)
        )
        async with self._store.read() as connection:
            return [
                Document(resource=row["resource"], xero_id=row["xero_id"], body=row["body"], read_at=row["read_at"])
                for row in (await connection.execute(statement)).mappings()
            ]

    @repeated
    async def read_settings(self, one: Organisation) -> None:
        """Let the settings be read before anything else is."""
        mine = (_surveys.c.tenant == one.tenant, _surveys.c.name.in_(surveys.SETTINGS))
        async with self._store.write() as connection:
            await connection.execute(update(_surveys).where(*mine).values(next_at=_BEFORE_ALL))

    @repeated
    async def forget_strangers(self, known: Sequence[str]) -> int:
        """Drop what was named of organisations that no tenant file knows, when it is a day old; how many."""
        strange = (
            _readings.c.xero_tenant_id.not_in([one.lower() for one in known]),
            _readings.c.heard_at < self._clock.now() - timedelta(days=1),
        )
        async with self._store.write() as connection:
            return (await connection.execute(delete(_readings).where(*strange))).rowcount

    @staticmethod
    async def _read(
        connection: AsyncConnection, one: Organisation, resource: str, ids: Sequence[str], asked_at: datetime
    ) -> None:
        """What was named after the reading was asked for is read again."""
        await connection.execute(
            delete(_readings).where(
                _readings.c.xero_tenant_id == one.xero_tenant_id.lower(),
                _readings.c.resource == resource,
                among(_readings.c.xero_id, list(ids)),
                _readings.c.heard_at <= asked_at,
            )
        )


async def _waiting(connection: AsyncConnection, one: Organisation) -> Waiting | None:
    mine = _readings.c.xero_tenant_id == one.xero_tenant_id.lower()
    first = select(_readings.c.resource).where(mine).order_by(_readings.c.since).limit(1)
    resource = (await connection.execute(first)).scalar()
    if resource is None:
        return None
    statement = (
        select(_readings.c.xero_id, _readings.c.since)
        .where(mine, _readings.c.resource == resource)
        .order_by(_readings.c.since, _readings.c.xero_id)
        .limit(READ_MAX)
    )
    rows = (await connection.execute(statement)).all()
    return Waiting(resource=cast(Told, resource), ids=tuple(row[0] for row in rows), since=rows[0][1])


async def _survey(connection: AsyncConnection, one: Organisation, now: datetime) -> Survey | None:
    statement = (
        select(_surveys)
        .where(_surveys.c.tenant == one.tenant, _surveys.c.next_at <= now, _surveys.c.name.in_(SURVEYS))
        .order_by(_surveys.c.next_at, _surveys.c.name)
        .limit(1)
    )
    row = (await connection.execute(statement)).mappings().first()
    if row is None:
        return None
    return Survey(
        name=row["name"],
        page=row["page"],
        modified_since=row["modified_since"],
        began_at=row["began_at"],
        listened_since=row["listened_since"],
        ended_at=row["ended_at"],
    )


async def _is_overdue(connection: AsyncConnection, one: Organisation, now: datetime) -> bool:
    is_late = overdue.is_late([one.tenant], one.zone, now)
    late = select(_told.c.xero_id).where(is_late, ~overdue.is_named(one.xero_tenant_id)).limit(1)
    return (await connection.execute(late)).first() is not None


async def _ask_again(
    connection: AsyncConnection, tenants: Sequence[str], since: datetime, now: datetime, reason: str
) -> int:
    """Let the surveys of these tenants begin anew from `since`, unless they go back further by themselves."""
    modified_since = _surveys.c.modified_since
    # What reads everything from the beginning already is not made to read less.
    is_shorter = or_(modified_since > since, modified_since.is_(None) & _surveys.c.ended_at.is_not(None))
    values = {
        "modified_since": case((is_shorter, since), else_=modified_since),
        "page": 1,
        "began_at": None,
        "next_at": now,
        "reason": reason,
    }
    mine = (_surveys.c.tenant.in_(list(tenants)), _surveys.c.name.in_(BACKFILLED))
    return (await connection.execute(update(_surveys).where(*mine).values(**values))).rowcount


def _paid(one: Organisation, payments: Sequence[Document]) -> list[hearing.Named]:
    """The invoices and credit notes that payments belong to: no webhook, and no list, may have told of them."""
    found = []
    for payment in payments:
        updated = moment(payment.body, "UpdatedDateUTC")
        for name, resource, key in (
            ("Invoice", "Invoices", "InvoiceID"),
            ("CreditNote", "CreditNotes", "CreditNoteID"),
        ):
            xero_id = (payment.body.get(name) or {}).get(key)
            if updated is not None and isinstance(xero_id, str):
                found.append(
                    hearing.Named(
                        xero_tenant_id=one.xero_tenant_id, resource=resource, xero_id=xero_id, changed_at=updated
                    )
                )
    return found

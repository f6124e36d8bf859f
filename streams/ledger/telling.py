"""What Xero shows is compared with what was told of it; what is new is news, in the transaction that keeps it (G1, G5).

It shows a document when it is read, for planning or to hear what changed, and when it answers a write of ours: that is
told at once, so that what a person does next is no part of it. A sight that is older than what was told last is passed
over, so reads that cross tell nothing twice or backwards.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.xero.wire import NUMBER_KEYS, day, moment
from schemas.codec import to_json
from schemas.events.fields import Contract
from streams.core import surveys
from streams.core.heard import TOLD, Seen, Sight, Told, due_on, is_sale, sight, told_by
from streams.core.search import bears_mark
from streams.core.situation import Document
from streams.ledger import bulk, overdue, tables, tables_hearing
from streams.ledger.among import among
from streams.ledger.rows import chunks

_told: Final = tables_hearing.told
_surveys: Final = tables_hearing.surveys
_effects: Final = tables.effects
_documents: Final = tables.documents
_writes: Final = tables.writes


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """For whom it is told: the organisation, its id in Xero and its zone, and the source by whose name."""

    tenant: str
    xero_tenant_id: str
    source: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Owner:
    """What we know of a document of ours: its effect, and all that we ever posted of it."""

    effect_key: str
    posted_body: Any


_NONE: Final[Mapping[str, Owner]] = {}


async def tell(
    connection: AsyncConnection,
    voice: Voice,
    documents: Collection[Document],
    now: datetime,
    *,
    answered: Mapping[str, Owner] = _NONE,
    listened_since: datetime | None = None,
) -> int:
    """Compare documents with what was told, before they are kept; how many news that made. What was never told of and
    is as it was before we listened is only remembered. `answered`: the owners of documents, by id, that are shown
    because we wrote them. `listened_since`: when we began to listen, where that is known already."""
    found = 0
    for resource in TOLD:
        some = {one.xero_id: one for one in documents if one.resource == resource and is_sale(resource, one.body)}
        telling = _Telling(connection, voice, resource, now, answered=answered, listened_since=listened_since)
        for ids in chunks(some):
            found += await telling.tell([some[one] for one in ids])
    return found


async def tell_overdue(connection: AsyncConnection, voice: Voice, now: datetime, limit: int = 200) -> int:
    """Tell of invoices that became overdue because time passed; how many these were, at most `limit`."""
    statement = (
        select(_told.c.xero_id, _documents.c.body)
        .join(
            _documents,
            (_documents.c.tenant == _told.c.tenant)
            & (_documents.c.resource == _told.c.resource)
            & (_documents.c.xero_id == _told.c.xero_id),
        )
        .where(overdue.is_late([voice.tenant], voice.zone, now), ~overdue.is_named(voice.xero_tenant_id))
        .order_by(_told.c.due_on)
        .limit(limit)
    )
    rows = (await connection.execute(statement)).all()
    late = [Document(resource="Invoices", xero_id=row[0], body=row[1], read_at=now) for row in rows]
    await _Telling(connection, voice, "Invoices", now, is_clock=True).tell(late)
    return len(late)


class _Telling:
    """One resource's documents within one transaction. `is_clock`: they are not as they were because time passed."""

    def __init__(
        self,
        connection: AsyncConnection,
        voice: Voice,
        resource: Told,
        now: datetime,
        *,
        answered: Mapping[str, Owner] = _NONE,
        listened_since: datetime | None = None,
        is_clock: bool = False,
    ) -> None:
        self._connection = connection
        self._voice = voice
        self._resource = resource
        self._now = now
        self._answered = answered
        self._is_clock = is_clock
        self._listened_since = listened_since

    async def tell(self, documents: Sequence[Document]) -> int:
        ids = [one.xero_id for one in documents]
        before = await self._before(ids)
        unseen = [one for one in ids if one not in before]
        held = await self._held(unseen)
        if self._listened_since is None and not self._answered.keys() >= set(unseen):
            self._listened_since = await self._since()
        owners = {**self._answered, **await self._owners([one for one in ids if one not in self._answered])}
        under_way = await self._under_way([one for one in documents if one.xero_id not in self._answered])
        told: list[dict[str, Any]] = []
        news: list[dict[str, Any]] = []
        for document in documents:
            # A document that Xero does not show any more says nothing of itself.
            if not document.body:
                continue
            owner = under_way.get(document.xero_id) or owners.get(document.xero_id)
            is_written = document.xero_id in self._answered or document.xero_id in under_way
            known = held.get(document.xero_id)
            row, item = self._one(document, before.get(document.xero_id), known, owner, is_written=is_written)
            told += [row] if row else []
            news += [item] if item else []
        await bulk.upsert(self._connection, _told, told)
        await bulk.insert(self._connection, tables_hearing.news, news)
        return len(news)

    def _one(
        self, document: Document, before: Any, held: Any, owner: Owner | None, *, is_written: bool
    ) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        changed_at = self._now if self._is_clock else moment(document.body, "UpdatedDateUTC") or self._now
        if before is not None and changed_at < before["changed_at"] and not self._is_clock:
            return None, None
        # What was never told of is compared with what we know of it: it was booked before we listened.
        then: Sight | None = before["sight"] if before else sight(self._resource, held) if held else None
        after = sight(self._resource, document.body, overdue=self._is_clock or self._is_still_late(then, document))
        seen = Seen(
            tenant=self._voice.tenant,
            resource=self._resource,
            xero_id=document.xero_id,
            body=document.body,
            changed_at=changed_at,
            # What we wrote was told when Xero answered. What is new since is not ours, even if it is as we once posted.
            ours=owner.posted_body if owner and (is_written or then is None) else None,
            effect=owner.effect_key if owner else None,
            is_answer=document.xero_id in self._answered,
            is_old=owner is None and self._may_be_old(document),
        )
        event = None if before is None and self._was_before(changed_at) else told_by(then, after, seen)
        number = (before["changes"] if before else 0) + (event is not None)
        row = {
            "tenant": self._voice.tenant,
            "resource": self._resource,
            "xero_id": document.xero_id,
            "sight": after,
            "changes": number,
            "changed_at": before["changed_at"] if before and self._is_clock else changed_at,
            "due_on": None if after.get("overdue") == "True" or self._resource != "Invoices" else due_on(document.body),
        }
        return row, self._news(document, number, event, changed_at) if event else None

    def _was_before(self, changed_at: datetime) -> bool:
        """Whether it was so before we listened."""
        return self._listened_since is not None and changed_at < self._listened_since

    def _may_be_old(self, document: Document) -> bool:
        """Whether it may be older than what the first lists showed, which left out what was closed long before."""
        since = self._listened_since and surveys.first_since("Invoices", self._listened_since)
        dated = day(document.body, "Date")
        return since is not None and dated is not None and dated < since.date().isoformat()

    def _is_still_late(self, then: Sight | None, document: Document) -> bool:
        """Whether it was told to be overdue, and neither was paid nor got a later day since."""
        due = due_on(document.body)
        was_late = then is not None and then.get("overdue") == "True"
        return was_late and due is not None and due < overdue.today(self._voice.zone, self._now)

    def _news(self, document: Document, number: int, event: Contract, at: datetime) -> dict[str, Any]:
        return {
            "tenant": self._voice.tenant,
            "resource": self._resource,
            "xero_id": document.xero_id,
            "number": number,
            "source": self._voice.source,
            "type": f"com.ledgerstream.{type(event).__name__}.v1",
            "at": at,
            "data": to_json(event),
        }

    async def _before(self, ids: list[str]) -> Mapping[str, Any]:
        statement = (
            select(_told)
            .where(
                _told.c.tenant == self._voice.tenant,
                _told.c.resource == self._resource,
                among(_told.c.xero_id, ids),
            )
            .with_for_update(key_share=True)
        )
        rows = (await self._connection.execute(statement)).mappings().all()
        return {row["xero_id"]: row for row in rows}

    async def _held(self, ids: list[str]) -> Mapping[str, Any]:
        """What is known of documents that were never told of."""
        if not ids:
            return {}
        mine = (_documents.c.tenant == self._voice.tenant, _documents.c.resource == self._resource)
        statement = select(_documents.c.xero_id, _documents.c.body).where(*mine, among(_documents.c.xero_id, ids))
        return {row[0]: row[1] for row in await self._connection.execute(statement)}

    async def _since(self) -> datetime | None:
        """When we began to listen."""
        began = select(func.min(_surveys.c.listened_since)).where(_surveys.c.tenant == self._voice.tenant)
        since: datetime | None = (await self._connection.execute(began)).scalar()
        return since

    async def _under_way(self, documents: Sequence[Document]) -> Mapping[str, Owner]:
        """The owners of documents that a call without an outcome may have written: Xero shows them before we know. One
        that it makes bears its number, and its mark; what it changes, it names."""
        by_id = {one.xero_id: one for one in documents}
        by_number = {str(one.body.get(NUMBER_KEYS[self._resource]) or one.xero_id): one for one in documents}
        if not by_id:
            return {}
        statement = (
            select(
                _effects.c.effect_key,
                _effects.c.mark,
                _effects.c.xero_id,
                _effects.c.posted_body,
                _writes.c.number,
                _writes.c.element,
            )
            .join(_writes, _writes.c.effect_key == _effects.c.effect_key)
            .where(
                _effects.c.tenant == self._voice.tenant,
                _writes.c.resource == self._resource,
                _writes.c.result.is_(None),
                or_(among(_writes.c.number, list(by_number)), among(_effects.c.xero_id, list(by_id))),
            )
        )
        found: dict[str, Owner] = {}
        for effect_key, mark, xero_id, posted, number, element in await self._connection.execute(statement):
            document = by_number.get(number) if xero_id is None else by_id.get(xero_id)
            if document is not None and (xero_id is not None or self._is_marked(document, mark)):
                found[document.xero_id] = Owner(effect_key, {**(posted or {}), **element})
        return found

    def _is_marked(self, document: Document, mark: str) -> bool:
        """Whether it is what an effect made. A contact bears no mark, and its number is ours."""
        return self._resource == "Contacts" or bears_mark(document.body, mark)

    async def _owners(self, ids: list[str]) -> Mapping[str, Owner]:
        if not ids:
            return {}
        statement = select(_effects.c.xero_id, _effects.c.effect_key, _effects.c.posted_body).where(
            _effects.c.tenant == self._voice.tenant,
            _effects.c.resource == self._resource,
            among(_effects.c.xero_id, ids),
        )
        return {row[0]: Owner(row[1], row[2]) for row in await self._connection.execute(statement)}

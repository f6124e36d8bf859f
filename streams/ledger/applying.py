"""One result, done to the rows of its command and effect."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, assert_never

from sqlalchemy import select

from schemas.commands import decode_payload
from schemas.states import CommandState, Stage
from streams.core.effects import makes_document, spares
from streams.core.results import Asked, Back, Option, Posted, Rejected, Result, Same
from streams.core.situation import Document
from streams.ledger import documents, letters, retries, tables, telling
from streams.ledger.among import among
from streams.ledger.questions import question_row
from streams.ledger.rows import CommandRow, chunks, grouped
from streams.ledger.telling import Owner, Voice
from streams.ledger.transitions import Why
from streams.ledger.work import Work

_events: Final = tables.events
_effects: Final = tables.effects


class Applying:
    """Results of one call, or of none. `idempotency_key` is kept in dead letters: Xero's support asks for it. `voice`:
    who tells of what Xero answered, where it is listened to."""

    def __init__(
        self,
        work: Work,
        call: int | None,
        idempotency_key: str | None,
        stage: Stage,
        voice: Voice | None = None,
    ) -> None:
        self._work = work
        self._call = call
        self._key = idempotency_key
        self._stage = stage
        self._voice = voice
        self._events: dict[str, Mapping[str, Any]] = {}
        self._owners: dict[tuple[str | None, str, str], str] = {}
        self._updated: list[str] = []

    async def apply(self, results: Sequence[Result]) -> int:
        """Apply them all; how many commands became ready."""
        work = self._work
        await work.load_with_effects(result.command_id for result in results)
        await self._load(results)
        for result in results:
            self._one(work.commands[result.command_id], result)
        await self._documents(results)
        if self._updated:
            await retries.bring_forward(work.connection, self._updated, work.now)
        return await work.finish()

    async def _load(self, results: Sequence[Result]) -> None:
        columns = (_events.c.event_key, _events.c.topic, _events.c.partition, _events.c.offset)
        statement = select(*columns, _events.c.timestamp_ms, _events.c.traceparent)
        rejected = [self._work.commands[one.command_id].event_key for one in results if isinstance(one, Rejected)]
        for keys in chunks(rejected):
            rows = await self._work.connection.execute(statement.where(among(_events.c.event_key, keys)))
            self._events |= {row["event_key"]: row for row in rows.mappings()}
        places = [
            (self._work.commands[one.command_id].tenant, *place)
            for one in results
            if (place := _document(one)) is not None
        ]
        for tenant, resource, ids in grouped(places):
            owner = select(_effects.c.xero_id, _effects.c.effect_key).where(
                _effects.c.tenant == tenant, _effects.c.resource == resource, among(_effects.c.xero_id, ids)
            )
            for xero_id, effect_key in await self._work.connection.execute(owner):
                self._owners[tenant, resource, xero_id] = effect_key

    def _one(self, command: CommandRow, result: Result) -> None:
        match result:
            case Posted():
                self._post(command, result)
            case Same():
                self._same(command, result)
            case Rejected():
                self._reject(command, result)
            case Back():
                self._back(command, result)
            case Asked():
                self._ask(command, result)
            case _:
                assert_never(result)

    def _post(self, command: CommandRow, result: Posted) -> None:
        taken = self._taken_by(command, result)
        if taken is not None:
            name = result.number or str(result.xero_id)
            self._ask(command, _already_linked(command.command_id, name, result.sent or {}, taken))
            return
        effect = self._work.effects[command.effect_key]
        effect.posted_digest = command.digest
        effect.posted_body = result.sent if result.sent is not None else effect.posted_body
        effect.posted_at = self._work.now
        effect.changed = True
        if effect.xero_id is not None and command.kind == "UpsertInvoice":
            self._updated.append(effect.effect_key)
        if result.xero_id is not None and result.resource is not None and _owns(command):
            effect.resource, effect.xero_id = result.resource, result.xero_id
            effect.number = result.number or effect.number
            self._owners[command.tenant, result.resource, result.xero_id] = effect.effect_key
            self._work.linked(effect)
        why = Why(reason=result.reason, xero_id=result.xero_id, xero_number=result.number, call=self._call)
        self._work.change(command, "posted", why)

    def _taken_by(self, command: CommandRow, result: Posted) -> str | None:
        if result.xero_id is None or result.resource is None or not _owns(command):
            return None
        return self._owner(command, result.resource, result.xero_id)

    def _owner(self, command: CommandRow, resource: str, xero_id: str) -> str | None:
        """The other effect that owns the document, if one does."""
        owner = self._owners.get((command.tenant, resource, xero_id))
        return owner if owner != command.effect_key else None

    def _same(self, command: CommandRow, result: Same) -> None:
        effect = self._work.effects[command.effect_key]
        if self._work.is_current(command) and effect.xero_id is not None:
            effect.posted_digest = command.digest
            effect.changed = True
        # What was sent is not taken back: found as it should be, it counts as posted.
        to: CommandState = "posted" if command.state == "sent" else "same"
        self._work.change(command, to, Why(reason=result.reason, call=self._call))

    def _reject(self, command: CommandRow, result: Rejected) -> None:
        if self._outdated(command, result.evidence.message):
            return
        event = self._events[command.event_key]
        letter = letters.of_command(
            command, event, result.cause, self._stage, result.evidence, self._work.now, idempotency_key=self._key
        )
        self._work.letters.append(letter)
        why = Why(reason=result.evidence.message, cause=result.cause, call=self._call, dlq_id=letter["dlq_id"])
        self._work.change(command, "rejected", why)

    def _back(self, command: CommandRow, result: Back) -> None:
        if self._outdated(command, result.reason):
            return
        if result.document is not None and _owns(command) and not self._adopt(command, result):
            return
        ready_since, due_at = command.ready_since, command.due_at
        self._work.change(command, "pending", Why(reason=result.reason, cause=result.cause, call=self._call))
        # It keeps its place in the queue.
        command.ready_since, command.due_at = ready_since, due_at
        command.not_before = result.not_before
        command.hints = {**command.hints, **result.hints}

    def _adopt(self, command: CommandRow, result: Back) -> bool:
        """The effect's document was found in Xero: planning goes on from it. False where it is another effect's."""
        found, effect = result.document, self._work.effects[command.effect_key]
        if found is None:
            return True
        if effect.xero_id is not None:
            if result.sent is not None and effect.xero_id == found.xero_id:
                # A backup knew the document, and not the version that we sent after it.
                effect.posted_digest, effect.posted_body = result.sent.digest, result.sent.element
                effect.changed = True
            return True
        owner = self._owner(command, found.resource, found.xero_id)
        if owner is not None:
            self._ask(command, _already_linked(command.command_id, found.xero_id, {}, owner))
            return False
        effect.resource, effect.xero_id, effect.changed = found.resource, found.xero_id, True
        if result.sent is not None:
            effect.posted_digest, effect.posted_body = result.sent.digest, result.sent.element
        self._owners[command.tenant, found.resource, found.xero_id] = effect.effect_key
        self._work.linked(effect)
        return True

    def _ask(self, command: CommandRow, result: Asked) -> None:
        if result.posted is not None:
            self._post(command, result.posted)
        elif self._outdated(command, result.text):
            return
        else:
            self._work.change(command, "pending", Why(reason=result.text, cause=result.cause, call=self._call))
        self._work.questions.append(
            question_row(
                kind=result.kind,
                subject=f"{command.command_id}|{command.revision}|{command.changes}",
                command=command,
                text=result.text,
                ours=result.ours,
                theirs=result.theirs,
                options=result.options,
                cause=result.cause,
                now=self._work.now,
            )
        )

    def _outdated(self, command: CommandRow, reason: str) -> bool:
        """A command that did not get into the books is not needed once a newer one says how they must be."""
        newest = self._work.commands[self._work.effects[command.effect_key].current_command]
        if self._work.is_current(command) or spares(decode_payload(newest.payload.encode())):
            return False
        why = Why(reason=f"superseded by {newest.command_id}; {reason}", call=self._call)
        self._work.change(command, "superseded", why)
        return True

    async def _documents(self, results: Sequence[Result]) -> None:
        by_tenant: dict[str, dict[tuple[str, str], Any]] = {}
        for result in results:
            found = result.document if isinstance(result, Back) else getattr(_posted(result), "document", None)
            tenant = self._work.commands[result.command_id].tenant
            if found is not None and tenant is not None:
                by_tenant.setdefault(tenant, {})[found.resource, found.xero_id] = found
        for tenant, found in by_tenant.items():
            await self._keep(tenant, list(found.values()))

    async def _keep(self, tenant: str, found: Sequence[Document]) -> None:
        """What Xero answered is its newest version, but for an answer that was given again after a resend: where Xero
        is listened to, a reading may have overtaken that."""
        connection = self._work.connection
        if self._voice is None:
            await documents.save(connection, tenant, found)
            return
        owners = {
            effect.xero_id: Owner(effect.effect_key, effect.posted_body)
            for effect in self._work.effects.values()
            if effect.xero_id is not None
        }
        await telling.tell(connection, self._voice, found, self._work.now, answered=owners)
        await documents.save_newer(connection, tenant, found)


def _posted(result: Result) -> Posted | None:
    if isinstance(result, Asked):
        return result.posted
    return result if isinstance(result, Posted) else None


def _document(result: Result) -> tuple[str, str] | None:
    """The document (resource and id) that the result would give to its effect."""
    found = result.document if isinstance(result, Back) else _posted(result)
    if found is None or found.resource is None or found.xero_id is None:
        return None
    return found.resource, found.xero_id


def _owns(command: CommandRow) -> bool:
    return makes_document(decode_payload(command.payload.encode()))


def _already_linked(command_id: str, name: str, sent: Mapping[str, Any], owner: str) -> Asked:
    return Asked(
        command_id=command_id,
        kind="linked_twice",
        text=f"{name} in Xero belongs to {owner} already; two business facts cannot own it",
        ours=dict(sent),
        theirs={"effect": owner, "document": name},
        options=(
            Option("retry", "try again, once the other document was renamed in Xero"),
            Option("discard", "book nothing"),
        ),
    )

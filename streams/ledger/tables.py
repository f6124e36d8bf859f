"""The tables. Constraints, not cleverness, enforce "once" (design section 6).

Columns named *_key and *_id hold the texts of `schemas.keys`. Each table has one module that owns its statements.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from schemas.states import COMMAND_STATES
from streams.ledger.columns import JsonText, RowNumber, UtcTime

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _text(name: str, *more: Any, null: bool = False, **options: Any) -> Column[str]:
    return Column(name, Text, *more, nullable=null, **options)


def _time(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, UtcTime, nullable=null)


def _json(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, JsonText, nullable=null)


def _number(name: str, *, null: bool = False, default: int | None = None) -> Column[int]:
    return Column(name, BigInteger, nullable=null, server_default=None if default is None else text(str(default)))


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def _bytes(name: str, *, null: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=null)


# One row: which ledger this is. `last_call` numbers the calls; it only grows, also after a backup was put back.
ledger: Final = Table(
    "ledger",
    metadata,
    Column("singleton", Integer, primary_key=True, autoincrement=False),
    _text("ledger_id"),
    _time("created_at"),
    _number("last_call", default=0),
    _time("app_not_before", null=True),
    _time("restored_at", null=True),
    CheckConstraint("singleton = 1", name="one_row"),
)

events: Final = Table(
    "events",
    metadata,
    _text("event_key", primary_key=True),
    _text("source", null=True),
    _text("event_id", null=True),
    _text("type", null=True),
    _time("time", null=True),
    _text("entity_key", null=True),
    _text("digest", null=True),
    _text("outcome"),
    _text("reason", null=True),
    _text("topic"),
    Column("partition", Integer, nullable=False),
    _number("offset"),
    _number("timestamp_ms"),
    _bytes("key", null=True),
    _bytes("value", null=True),
    _json("headers"),
    _text("traceparent", null=True),
    _time("recorded_at"),
    _one_of("outcome", ("commands", "ignored", "pending")),
    UniqueConstraint("topic", "partition", "offset"),
    Index("ix_events_entity_key", "entity_key"),
    Index(
        "ix_events_pending",
        "event_key",
        sqlite_where=text("outcome = 'pending'"),
        postgresql_where=text("outcome = 'pending'"),
    ),
)

# Records that told an event once more. A row each, so that reading a record again counts nothing twice.
duplicates: Final = Table(
    "duplicates",
    metadata,
    _text("topic", primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    _text("event_key"),
    _text("digest", null=True),
)

# `position` is the order of a lane. `look_first`: a backup was put back, so Xero is asked before it is sent.
# `priority_s` is the target of its class, or of the most urgent that builds on it.
commands: Final = Table(
    "commands",
    metadata,
    Column("position", RowNumber, primary_key=True, autoincrement=True),
    _text("command_id", unique=True),
    _text("event_key", ForeignKey("events.event_key")),
    _text("effect_key"),
    _text("entity_key"),
    _text("tenant", null=True),
    _text("source"),
    _text("kind"),
    _text("payload"),
    Column("payload_version", Integer, nullable=False),
    _text("digest"),
    _number("sequence", null=True),
    _text("state"),
    Column("revision", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("changes", Integer, nullable=False),
    _time("ready_since", null=True),
    _time("due_at", null=True),
    Column("priority_s", Integer, nullable=False),
    _time("not_before", null=True),
    _text("cause", null=True),
    _text("reason", null=True),
    _text("decision", null=True),
    _json("hints"),
    Column("look_first", Boolean, nullable=False),
    _time("created_at"),
    _time("changed_at"),
    _one_of("state", COMMAND_STATES),
    CheckConstraint(
        "ready_since IS NULL OR (state IN ('pending', 'sent') AND tenant IS NOT NULL)", name="ready_may_go"
    ),
    CheckConstraint("(ready_since IS NULL) = (due_at IS NULL)", name="ready_has_due"),
    CheckConstraint("revision >= 1 AND attempts >= 0", name="counts"),
    Index("ix_commands_lane", "entity_key", "position"),
    Index("ix_commands_effect_key", "effect_key"),
    Index("ix_commands_event_key", "event_key"),
    Index(
        "ix_commands_ready",
        "tenant",
        "due_at",
        sqlite_where=text("state = 'pending' AND ready_since IS NOT NULL"),
        postgresql_where=text("state = 'pending' AND ready_since IS NOT NULL"),
    ),
    Index("ix_commands_state", "state"),
    # A lane has one command on its way, whatever two planners believe.
    Index(
        "uq_commands_in_flight",
        "entity_key",
        "tenant",
        unique=True,
        sqlite_where=text("state = 'sent'"),
        postgresql_where=text("state = 'sent'"),
    ),
    sqlite_autoincrement=True,
)

dependencies: Final = Table(
    "dependencies",
    metadata,
    _text("command_id", ForeignKey("commands.command_id"), primary_key=True),
    _text("effect_key", primary_key=True),
    Column("position", Integer, nullable=False),
    Index("ix_dependencies_effect_key", "effect_key"),
)

effects: Final = Table(
    "effects",
    metadata,
    _text("effect_key", primary_key=True),
    _text("entity_key"),
    _text("tenant", null=True),
    _text("current_command", ForeignKey("commands.command_id"), unique=True),
    _number("highest_sequence", null=True),
    _text("highest_digest"),
    _text("mark"),
    _text("resource", null=True),
    _text("xero_id", null=True),
    _text("number", null=True),
    _text("posted_digest", null=True),
    _json("posted_body", null=True),
    _time("posted_at", null=True),
    # Two business facts can never own one document.
    UniqueConstraint("tenant", "resource", "xero_id"),
    CheckConstraint("xero_id IS NULL OR (tenant IS NOT NULL AND resource IS NOT NULL)", name="link_whole"),
    Index("ix_effects_number", "number"),
)

documents: Final = Table(
    "documents",
    metadata,
    _text("tenant", primary_key=True),
    _text("resource", primary_key=True),
    _text("xero_id", primary_key=True),
    _json("body"),
    _time("read_at"),
)

# `root` is the call whose outcome this one settles: itself, but for a resend or a look. `ends_at` is when the request
# can no longer be under way, however badly it went.
calls: Final = Table(
    "calls",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("root", BigInteger, ForeignKey("calls.number"), nullable=False),
    _text("purpose"),
    _text("tenant"),
    _text("xero_tenant_id"),
    _text("method"),
    _text("path"),
    _json("query"),
    _text("idempotency_key", null=True),
    _bytes("body"),
    _time("modified_since", null=True),
    _number("fence"),
    _time("opened_at"),
    Column("send_before", Float, nullable=False),
    _time("ends_at"),
    _time("answered_at", null=True),
    Column("status", Integer, nullable=True),
    _text("correlation_id", null=True),
    Column("left_us", Boolean, nullable=False),
    _text("detail", null=True),
    _text("state"),
    Column("looks", Integer, nullable=False),
    _time("next_look_at", null=True),
    _time("closed_at", null=True),
    _one_of("purpose", ("write", "resend", "look", "read")),
    _one_of("state", ("open", "closed")),
    CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_has_time"),
    CheckConstraint("(method = 'GET') = (idempotency_key IS NULL)", name="writes_have_keys"),
    Index("ix_calls_tenant", "tenant", "ends_at"),
    Index("ix_calls_answered", "tenant", "answered_at"),
    Index("ix_calls_root", "root"),
    Index("ix_calls_open", "tenant", sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
    # A key names one write for ever; only a resend of that write uses it again.
    Index(
        "uq_calls_idempotency_key",
        "idempotency_key",
        unique=True,
        sqlite_where=text("purpose = 'write'"),
        postgresql_where=text("purpose = 'write'"),
    ),
)

writes: Final = Table(
    "writes",
    metadata,
    Column("call", BigInteger, ForeignKey("calls.number"), primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _text("command_id", ForeignKey("commands.command_id")),
    _text("effect_key"),
    _text("resource"),
    _json("element"),
    _text("step"),
    _text("number", null=True),
    _text("result", null=True),
    Index("ix_writes_command_id", "command_id"),
    # A command is never in two calls that may both still happen.
    Index(
        "uq_writes_open",
        "command_id",
        unique=True,
        sqlite_where=text("result IS NULL"),
        postgresql_where=text("result IS NULL"),
    ),
)

# Outbox, audit log and trace in one. `subject` is a command id, an event key or `record:topic:partition:offset`.
transitions: Final = Table(
    "transitions",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    _text("subject"),
    Column("number", Integer, nullable=False),
    _text("entity_key"),
    _text("event_key", null=True),
    _text("effect_key", null=True),
    _text("tenant", null=True),
    _text("kind", null=True),
    _text("from_state", null=True),
    _text("to_state"),
    _text("actor"),
    _text("reason", null=True),
    _text("cause", null=True),
    _time("at"),
    _text("xero_id", null=True),
    _text("xero_number", null=True),
    Column("call", BigInteger, nullable=True),
    _text("dlq_id", null=True),
    _time("published_at", null=True),
    UniqueConstraint("subject", "number"),
    Index("ix_transitions_entity_key", "entity_key"),
    Index(
        "ix_transitions_unpublished",
        "id",
        sqlite_where=text("published_at IS NULL"),
        postgresql_where=text("published_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)

# Key, value and headers are None where the record is that of the event: its row holds them.
dead_letters: Final = Table(
    "dead_letters",
    metadata,
    _text("dlq_id", primary_key=True),
    _text("subject"),
    _text("command_id", ForeignKey("commands.command_id"), null=True),
    _text("event_key", null=True),
    _text("entity_key", null=True),
    _text("tenant", null=True),
    _text("source", null=True),
    _text("kind", null=True),
    _text("cause"),
    _text("stage"),
    _json("evidence"),
    _time("event_time", null=True),
    _text("topic"),
    Column("partition", Integer, nullable=False),
    _number("offset"),
    _number("timestamp_ms"),
    _bytes("key", null=True),
    _bytes("value", null=True),
    _json("headers", null=True),
    Column("attempts", Integer, nullable=False),
    _time("first_failed_at"),
    _time("last_failed_at"),
    Column("replay_count", Integer, nullable=False),
    _text("replay_of", null=True),
    _text("edited_by", null=True),
    _text("idempotency_key", null=True),
    _text("trace_id", null=True),
    _text("state"),
    _time("closed_at", null=True),
    _text("closed_by", null=True),
    _text("closed_reason", null=True),
    _one_of("state", ("open", "closed")),
    CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_has_time"),
    Index(
        "uq_dead_letters_open",
        "subject",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    Index("ix_dead_letters_event_key", "event_key"),
    Index("ix_dead_letters_entity_key", "entity_key"),
    Index("ix_dead_letters_position", "topic", "partition", "offset"),
)

questions: Final = Table(
    "questions",
    metadata,
    _text("question_id", primary_key=True),
    _text("kind"),
    _text("command_id", ForeignKey("commands.command_id"), null=True),
    _text("event_key", null=True),
    _text("entity_key", null=True),
    _text("tenant", null=True),
    _text("cause"),
    _text("text"),
    _json("ours"),
    _json("theirs"),
    _json("options"),
    _bytes("record", null=True),
    _text("state"),
    _text("answer", null=True),
    _text("actor", null=True),
    _time("asked_at"),
    _time("answered_at", null=True),
    _one_of("state", ("open", "closed")),
    Index(
        "uq_questions_open",
        "command_id",
        unique=True,
        sqlite_where=text("state = 'open' AND command_id IS NOT NULL"),
        postgresql_where=text("state = 'open' AND command_id IS NOT NULL"),
    ),
    Index("ix_questions_entity_key", "entity_key"),
)

# What may not send: everything (no tenant, no source), a tenant, a source, or a source within a tenant.
stops: Final = Table(
    "stops",
    metadata,
    _text("scope", primary_key=True),
    _text("tenant", null=True),
    _text("source", null=True),
    _text("reason"),
    _text("cause", null=True),
    _text("remedy", null=True),
    _text("actor"),
    _time("since"),
)

leases: Final = Table(
    "leases",
    metadata,
    _text("tenant", primary_key=True),
    _text("owner"),
    _number("fence"),
    _time("expires_at"),
)

# `next_offset` is the first offset not taken in; `records` counts those that were, each once.
cursors: Final = Table(
    "cursors",
    metadata,
    _text("topic", primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    _number("next_offset"),
    _number("records"),
)

# What Xero said last about a tenant's limits; `foreign_calls` is how many of the minute were not ours.
tenants: Final = Table(
    "tenants",
    metadata,
    _text("tenant", primary_key=True),
    Column("foreign_calls", Integer, nullable=False),
    _time("minute_read_at", null=True),
    Column("day_remaining", Integer, nullable=True),
    Column("day_limit", Integer, nullable=False),
    _time("day_read_at", null=True),
    _time("not_before", null=True),
    _text("not_before_reason", null=True),
)

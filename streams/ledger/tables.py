"""The tables. Constraints, not cleverness, enforce "once" (design section 6).

Columns named *_key and *_id hold the texts of `schemas.keys`. Each table has one module that owns its statements.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    UniqueConstraint,
    text,
)

from schemas.states import COMMAND_STATES
from streams.ledger import tables_hearing as tables_hearing
from streams.ledger.building import (
    bytes_column,
    json_column,
    number_column,
    one_of,
    text_column,
    time_column,
)
from streams.ledger.building import (
    metadata as metadata,
)
from streams.ledger.columns import RowNumber
from streams.ledger.tables_running import cursors as cursors
from streams.ledger.tables_running import leases as leases
from streams.ledger.tables_running import receipts as receipts
from streams.ledger.tables_running import stops as stops
from streams.ledger.tables_running import sweeps as sweeps
from streams.ledger.tables_running import tenants as tenants
from streams.ledger.tables_troubles import dead_letters as dead_letters
from streams.ledger.tables_troubles import questions as questions

# One row: which ledger this is. `last_call` numbers the calls; it only grows, also after a backup was put back.
ledger: Final = Table(
    "ledger",
    metadata,
    Column("singleton", Integer, primary_key=True, autoincrement=False),
    text_column("ledger_id"),
    time_column("created_at"),
    number_column("last_call", default=0),
    time_column("app_not_before", null=True),
    time_column("restored_at", null=True),
    CheckConstraint("singleton = 1", name="one_row"),
)

events: Final = Table(
    "events",
    metadata,
    text_column("event_key", primary_key=True),
    text_column("source", null=True),
    text_column("event_id", null=True),
    text_column("type", null=True),
    time_column("time", null=True),
    text_column("entity_key", null=True),
    text_column("digest", null=True),
    text_column("outcome"),
    text_column("reason", null=True),
    text_column("topic"),
    Column("partition", Integer, nullable=False),
    number_column("offset"),
    number_column("timestamp_ms"),
    bytes_column("key", null=True),
    bytes_column("value", null=True),
    json_column("headers"),
    text_column("traceparent", null=True),
    time_column("recorded_at"),
    one_of("outcome", ("commands", "ignored", "pending")),
    UniqueConstraint("topic", "partition", "offset"),
    Index("ix_events_entity_key", "entity_key"),
    # A request that told no event has the position as its key; people ask for it by the id that its source gave it.
    Index(
        "ix_events_raw",
        "source",
        "event_id",
        sqlite_where=text("topic = 'raw'"),
        postgresql_where=text("topic = 'raw'"),
    ),
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
    text_column("topic", primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    text_column("event_key"),
    text_column("digest", null=True),
    Index("ix_duplicates_event_key", "event_key"),
)

# `position` is the order of a lane. `look_first`: a backup was put back, so Xero is asked before it is sent.
# `priority_s` is the target of its class, or of the most urgent that builds on it.
commands: Final = Table(
    "commands",
    metadata,
    Column("position", RowNumber, primary_key=True, autoincrement=True),
    text_column("command_id", unique=True),
    text_column("event_key", ForeignKey("events.event_key")),
    text_column("effect_key"),
    text_column("entity_key"),
    text_column("tenant", null=True),
    text_column("source"),
    text_column("kind"),
    text_column("payload"),
    Column("payload_version", Integer, nullable=False),
    text_column("digest"),
    number_column("sequence", null=True),
    text_column("state"),
    Column("revision", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("changes", Integer, nullable=False),
    time_column("ready_since", null=True),
    time_column("due_at", null=True),
    Column("priority_s", Integer, nullable=False),
    time_column("not_before", null=True),
    text_column("cause", null=True),
    text_column("reason", null=True),
    text_column("decision", null=True),
    json_column("hints"),
    Column("look_first", Boolean, nullable=False),
    time_column("created_at"),
    time_column("changed_at"),
    one_of("state", COMMAND_STATES),
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
    # No index over all states: it would look so good to SQLite that it walks through all pending commands.
    Index(
        "ix_commands_pending",
        "position",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
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
    text_column("command_id", ForeignKey("commands.command_id"), primary_key=True),
    text_column("effect_key", primary_key=True),
    Column("position", Integer, nullable=False),
    Index("ix_dependencies_effect_key", "effect_key"),
)

effects: Final = Table(
    "effects",
    metadata,
    text_column("effect_key", primary_key=True),
    text_column("entity_key"),
    text_column("tenant", null=True),
    text_column("current_command", ForeignKey("commands.command_id"), unique=True),
    number_column("highest_sequence", null=True),
    text_column("highest_digest"),
    text_column("mark"),
    text_column("resource", null=True),
    text_column("xero_id", null=True),
    text_column("number", null=True),
    text_column("posted_digest", null=True),
    json_column("posted_body", null=True),
    time_column("posted_at", null=True),
    # Two business facts can never own one document.
    UniqueConstraint("tenant", "resource", "xero_id"),
    CheckConstraint("xero_id IS NULL OR (tenant IS NOT NULL AND resource IS NOT NULL)", name="link_whole"),
    Index("ix_effects_number", "number"),
)

documents: Final = Table(
    "documents",
    metadata,
    text_column("tenant", primary_key=True),
    text_column("resource", primary_key=True),
    text_column("xero_id", primary_key=True),
    json_column("body"),
    time_column("read_at"),
)

# `root` is the call whose outcome this one settles: itself, but for a resend or a look. `ends_at` is when the request
# can no longer be under way, however badly it went.
calls: Final = Table(
    "calls",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("root", BigInteger, ForeignKey("calls.number"), nullable=False),
    text_column("purpose"),
    text_column("tenant"),
    text_column("xero_tenant_id"),
    text_column("method"),
    text_column("path"),
    json_column("query"),
    text_column("idempotency_key", null=True),
    bytes_column("body"),
    time_column("modified_since", null=True),
    number_column("fence"),
    time_column("opened_at"),
    Column("send_before", Float, nullable=False),
    time_column("ends_at"),
    time_column("answered_at", null=True),
    Column("status", Integer, nullable=True),
    text_column("correlation_id", null=True),
    Column("left_us", Boolean, nullable=False),
    text_column("detail", null=True),
    text_column("state"),
    Column("looks", Integer, nullable=False),
    time_column("next_look_at", null=True),
    time_column("closed_at", null=True),
    one_of("purpose", ("write", "resend", "look", "read")),
    one_of("state", ("open", "closed")),
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
    text_column("command_id", ForeignKey("commands.command_id")),
    text_column("effect_key"),
    text_column("resource"),
    json_column("element"),
    text_column("step"),
    text_column("number", null=True),
    text_column("result", null=True),
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
    text_column("subject"),
    Column("number", Integer, nullable=False),
    text_column("entity_key"),
    text_column("event_key", null=True),
    text_column("effect_key", null=True),
    text_column("tenant", null=True),
    text_column("kind", null=True),
    text_column("from_state", null=True),
    text_column("to_state"),
    text_column("actor"),
    text_column("reason", null=True),
    text_column("cause", null=True),
    time_column("at"),
    text_column("xero_id", null=True),
    text_column("xero_number", null=True),
    Column("call", BigInteger, nullable=True),
    text_column("dlq_id", null=True),
    time_column("published_at", null=True),
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

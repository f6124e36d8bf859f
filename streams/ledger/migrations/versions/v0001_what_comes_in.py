"""What comes in: events, commands and the effects that they must end up as."""

import sqlalchemy as sa
from alembic import op

from streams.ledger.columns import JsonText, RowNumber, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _ledger()
    _cursors()
    _events()
    _duplicates()
    _commands()
    _dependencies()
    _effects()
    _documents()
    _questions()
    _dead_letters()


def downgrade() -> None:
    op.drop_table("dead_letters")
    op.drop_table("questions")
    op.drop_table("documents")
    op.drop_table("effects")
    op.drop_table("dependencies")
    op.drop_table("commands")
    op.drop_table("duplicates")
    op.drop_table("events")
    op.drop_table("cursors")
    op.drop_table("ledger")


def _ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("singleton", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ledger_id", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("last_call", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("app_not_before", UtcTime(), nullable=True),
        sa.Column("restored_at", UtcTime(), nullable=True),
        sa.CheckConstraint("singleton = 1", name=op.f("ck_ledger_one_row")),
        sa.PrimaryKeyConstraint("singleton", name=op.f("pk_ledger")),
    )


def _cursors() -> None:
    op.create_table(
        "cursors",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", name=op.f("pk_cursors")),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("event_key", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("time", UtcTime(), nullable=True),
        sa.Column("entity_key", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("timestamp_ms", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.Column("headers", JsonText(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.Column("recorded_at", UtcTime(), nullable=False),
        sa.CheckConstraint("outcome IN ('commands', 'ignored', 'pending')", name=op.f("ck_events_outcome_known")),
        sa.PrimaryKeyConstraint("event_key", name=op.f("pk_events")),
        sa.UniqueConstraint("topic", "partition", "offset", name=op.f("uq_events_topic_partition_offset")),
    )
    op.create_index("ix_events_entity_key", "events", ["entity_key"], unique=False)
    op.create_index(
        "ix_events_pending",
        "events",
        ["event_key"],
        unique=False,
        sqlite_where=sa.text("outcome = 'pending'"),
        postgresql_where=sa.text("outcome = 'pending'"),
    )


def _duplicates() -> None:
    op.create_table(
        "duplicates",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("topic", "partition", "offset", name=op.f("pk_duplicates")),
    )


def _commands() -> None:
    op.create_table(
        "commands",
        sa.Column("position", RowNumber, autoincrement=True, nullable=False),
        sa.Column("command_id", sa.Text(), nullable=False),
        sa.Column("event_key", sa.Text(), nullable=False),
        sa.Column("effect_key", sa.Text(), nullable=False),
        sa.Column("entity_key", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("payload_version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("ready_since", UtcTime(), nullable=True),
        sa.Column("due_at", UtcTime(), nullable=True),
        sa.Column("priority_s", sa.Integer(), nullable=False),
        sa.Column("not_before", UtcTime(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("hints", JsonText(), nullable=False),
        sa.Column("look_first", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "ready_since IS NULL OR (state IN ('pending', 'sent') AND tenant IS NOT NULL)",
            name=op.f("ck_commands_ready_may_go"),
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'sent', 'posted', 'rejected', 'superseded', 'same', 'discarded')",
            name=op.f("ck_commands_state_known"),
        ),
        sa.CheckConstraint("(ready_since IS NULL) = (due_at IS NULL)", name=op.f("ck_commands_ready_has_due")),
        sa.CheckConstraint("revision >= 1 AND attempts >= 0", name=op.f("ck_commands_counts")),
        sa.ForeignKeyConstraint(["event_key"], ["events.event_key"], name=op.f("fk_commands_event_key")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_commands")),
        sa.UniqueConstraint("command_id", name=op.f("uq_commands_command_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_commands_effect_key", "commands", ["effect_key"], unique=False)
    op.create_index("ix_commands_event_key", "commands", ["event_key"], unique=False)
    op.create_index("ix_commands_lane", "commands", ["entity_key", "position"], unique=False)
    op.create_index(
        "ix_commands_ready",
        "commands",
        ["tenant", "due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'pending' AND ready_since IS NOT NULL"),
        postgresql_where=sa.text("state = 'pending' AND ready_since IS NOT NULL"),
    )
    op.create_index(
        "ix_commands_pending",
        "commands",
        ["position"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "uq_commands_in_flight",
        "commands",
        ["entity_key", "tenant"],
        unique=True,
        sqlite_where=sa.text("state = 'sent'"),
        postgresql_where=sa.text("state = 'sent'"),
    )


def _dependencies() -> None:
    op.create_table(
        "dependencies",
        sa.Column("command_id", sa.Text(), nullable=False),
        sa.Column("effect_key", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["command_id"], ["commands.command_id"], name=op.f("fk_dependencies_command_id")),
        sa.PrimaryKeyConstraint("command_id", "effect_key", name=op.f("pk_dependencies")),
    )
    op.create_index("ix_dependencies_effect_key", "dependencies", ["effect_key"], unique=False)


def _effects() -> None:
    op.create_table(
        "effects",
        sa.Column("effect_key", sa.Text(), nullable=False),
        sa.Column("entity_key", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("current_command", sa.Text(), nullable=False),
        sa.Column("highest_sequence", sa.BigInteger(), nullable=True),
        sa.Column("highest_digest", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=True),
        sa.Column("xero_id", sa.Text(), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("posted_digest", sa.Text(), nullable=True),
        sa.Column("posted_body", JsonText(), nullable=True),
        sa.Column("posted_at", UtcTime(), nullable=True),
        sa.CheckConstraint(
            "xero_id IS NULL OR (tenant IS NOT NULL AND resource IS NOT NULL)", name=op.f("ck_effects_link_whole")
        ),
        sa.ForeignKeyConstraint(["current_command"], ["commands.command_id"], name=op.f("fk_effects_current_command")),
        sa.PrimaryKeyConstraint("effect_key", name=op.f("pk_effects")),
        sa.UniqueConstraint("current_command", name=op.f("uq_effects_current_command")),
        sa.UniqueConstraint("tenant", "resource", "xero_id", name=op.f("uq_effects_tenant_resource_xero_id")),
    )
    op.create_index("ix_effects_number", "effects", ["number"], unique=False)


def _documents() -> None:
    op.create_table(
        "documents",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("xero_id", sa.Text(), nullable=False),
        sa.Column("body", JsonText(), nullable=False),
        sa.Column("read_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "resource", "xero_id", name=op.f("pk_documents")),
    )


def _questions() -> None:
    op.create_table(
        "questions",
        sa.Column("question_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("command_id", sa.Text(), nullable=True),
        sa.Column("event_key", sa.Text(), nullable=True),
        sa.Column("entity_key", sa.Text(), nullable=True),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("ours", JsonText(), nullable=False),
        sa.Column("theirs", JsonText(), nullable=False),
        sa.Column("options", JsonText(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("answered_at", UtcTime(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_questions_state_known")),
        sa.ForeignKeyConstraint(["command_id"], ["commands.command_id"], name=op.f("fk_questions_command_id")),
        sa.PrimaryKeyConstraint("question_id", name=op.f("pk_questions")),
    )
    op.create_index("ix_questions_entity_key", "questions", ["entity_key"], unique=False)
    op.create_index(
        "uq_questions_open",
        "questions",
        ["command_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open' AND command_id IS NOT NULL"),
        postgresql_where=sa.text("state = 'open' AND command_id IS NOT NULL"),
    )


def _dead_letters() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("dlq_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("command_id", sa.Text(), nullable=True),
        sa.Column("event_key", sa.Text(), nullable=True),
        sa.Column("entity_key", sa.Text(), nullable=True),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("evidence", JsonText(), nullable=False),
        sa.Column("event_time", UtcTime(), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("timestamp_ms", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.Column("headers", JsonText(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_failed_at", UtcTime(), nullable=False),
        sa.Column("last_failed_at", UtcTime(), nullable=False),
        sa.Column("replay_count", sa.Integer(), nullable=False),
        sa.Column("replay_of", sa.Text(), nullable=True),
        sa.Column("edited_by", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("trace_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("closed_at", UtcTime(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_dead_letters_closed_has_time")
        ),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_dead_letters_state_known")),
        sa.ForeignKeyConstraint(["command_id"], ["commands.command_id"], name=op.f("fk_dead_letters_command_id")),
        sa.PrimaryKeyConstraint("dlq_id", name=op.f("pk_dead_letters")),
    )
    op.create_index("ix_dead_letters_entity_key", "dead_letters", ["entity_key"], unique=False)
    op.create_index("ix_dead_letters_event_key", "dead_letters", ["event_key"], unique=False)
    op.create_index("ix_dead_letters_position", "dead_letters", ["topic", "partition", "offset"], unique=False)
    op.create_index(
        "uq_dead_letters_open",
        "dead_letters",
        ["subject"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )

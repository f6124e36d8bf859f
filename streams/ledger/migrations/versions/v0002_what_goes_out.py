"""What goes out: calls to Xero, their limits, and what is told of every change."""

import sqlalchemy as sa
from alembic import op

from streams.ledger.columns import JsonText, RowNumber, UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _calls()
    _writes()
    _transitions()
    _stops()
    _leases()
    _tenants()


def downgrade() -> None:
    op.drop_table("tenants")
    op.drop_table("leases")
    op.drop_table("stops")
    op.drop_table("transitions")
    op.drop_table("writes")
    op.drop_table("calls")


def _calls() -> None:
    op.create_table(
        "calls",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("xero_tenant_id", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("query", JsonText(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("modified_since", UtcTime(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", UtcTime(), nullable=False),
        sa.Column("send_before", sa.Float(), nullable=False),
        sa.Column("ends_at", UtcTime(), nullable=False),
        sa.Column("answered_at", UtcTime(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.Column("left_us", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("next_look_at", UtcTime(), nullable=True),
        sa.Column("closed_at", UtcTime(), nullable=True),
        sa.CheckConstraint("(method = 'GET') = (idempotency_key IS NULL)", name=op.f("ck_calls_writes_have_keys")),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_calls_closed_has_time")),
        sa.CheckConstraint("purpose IN ('write', 'resend', 'look', 'read')", name=op.f("ck_calls_purpose_known")),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_calls_state_known")),
        sa.ForeignKeyConstraint(["root"], ["calls.number"], name=op.f("fk_calls_root")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_calls")),
    )
    op.create_index("ix_calls_answered", "calls", ["tenant", "answered_at"], unique=False)
    op.create_index(
        "ix_calls_open",
        "calls",
        ["tenant"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_calls_root", "calls", ["root"], unique=False)
    op.create_index("ix_calls_tenant", "calls", ["tenant", "ends_at"], unique=False)
    op.create_index(
        "uq_calls_idempotency_key",
        "calls",
        ["idempotency_key"],
        unique=True,
        sqlite_where=sa.text("purpose = 'write'"),
        postgresql_where=sa.text("purpose = 'write'"),
    )


def _writes() -> None:
    op.create_table(
        "writes",
        sa.Column("call", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("command_id", sa.Text(), nullable=False),
        sa.Column("effect_key", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("element", JsonText(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["call"], ["calls.number"], name=op.f("fk_writes_call")),
        sa.ForeignKeyConstraint(["command_id"], ["commands.command_id"], name=op.f("fk_writes_command_id")),
        sa.PrimaryKeyConstraint("call", "position", name=op.f("pk_writes")),
    )
    op.create_index("ix_writes_command_id", "writes", ["command_id"], unique=False)
    op.create_index(
        "uq_writes_open",
        "writes",
        ["command_id"],
        unique=True,
        sqlite_where=sa.text("result IS NULL"),
        postgresql_where=sa.text("result IS NULL"),
    )


def _transitions() -> None:
    op.create_table(
        "transitions",
        sa.Column("id", RowNumber, autoincrement=True, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("entity_key", sa.Text(), nullable=False),
        sa.Column("event_key", sa.Text(), nullable=True),
        sa.Column("effect_key", sa.Text(), nullable=True),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("xero_id", sa.Text(), nullable=True),
        sa.Column("xero_number", sa.Text(), nullable=True),
        sa.Column("call", sa.BigInteger(), nullable=True),
        sa.Column("dlq_id", sa.Text(), nullable=True),
        sa.Column("published_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transitions")),
        sa.UniqueConstraint("subject", "number", name=op.f("uq_transitions_subject_number")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_transitions_entity_key", "transitions", ["entity_key"], unique=False)
    op.create_index(
        "ix_transitions_unpublished",
        "transitions",
        ["id"],
        unique=False,
        sqlite_where=sa.text("published_at IS NULL"),
        postgresql_where=sa.text("published_at IS NULL"),
    )


def _stops() -> None:
    op.create_table(
        "stops",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("remedy", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_stops")),
    )


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_leases")),
    )


def _tenants() -> None:
    op.create_table(
        "tenants",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("foreign_calls", sa.Integer(), nullable=False),
        sa.Column("minute_read_at", UtcTime(), nullable=True),
        sa.Column("day_remaining", sa.Integer(), nullable=True),
        sa.Column("day_limit", sa.Integer(), nullable=False),
        sa.Column("day_read_at", UtcTime(), nullable=True),
        sa.Column("not_before", UtcTime(), nullable=True),
        sa.Column("not_before_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_tenants")),
    )

"""Hearing Xero: documents to be read, lists that are surveyed, gaps between webhooks, and what is told of changes."""

import sqlalchemy as sa
from alembic import op

from streams.ledger.columns import JsonText, RowNumber, UtcTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "readings",
        *_keys("xero_tenant_id", "resource", "xero_id"),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("heard_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("xero_tenant_id", "resource", "xero_id", name=op.f("pk_readings")),
    )
    op.create_index("ix_readings_since", "readings", ["xero_tenant_id", "since"])
    op.create_table(
        "hearing",
        *_keys("source"),
        sa.Column("next_sequence", sa.BigInteger(), nullable=False),
        sa.Column("heard_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_hearing")),
    )
    op.create_table(
        "gaps",
        *_keys("source"),
        sa.Column("first", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("noticed_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("source", "first", name=op.f("pk_gaps")),
    )
    op.create_table(
        "surveys",
        *_keys("tenant", "name"),
        sa.Column("page", sa.BigInteger(), nullable=False),
        sa.Column("modified_since", UtcTime(), nullable=True),
        sa.Column("began_at", UtcTime(), nullable=True),
        sa.Column("listened_since", UtcTime(), nullable=False),
        sa.Column("next_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_surveys")),
    )
    op.create_index("ix_surveys_next_at", "surveys", ["tenant", "next_at"])
    _news()
    _told()


def _news() -> None:
    op.create_table(
        "news",
        sa.Column("id", RowNumber, primary_key=True, autoincrement=True),
        *_keys("tenant", "resource", "xero_id"),
        sa.Column("number", sa.BigInteger(), nullable=False),
        *_keys("source", "type"),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("published_at", UtcTime(), nullable=True),
        sa.UniqueConstraint(
            "tenant", "resource", "xero_id", "number", name=op.f("uq_news_tenant_resource_xero_id_number")
        ),
        sqlite_autoincrement=True,
    )
    unpublished = sa.text("published_at IS NULL")
    op.create_index("ix_news_unpublished", "news", ["id"], sqlite_where=unpublished, postgresql_where=unpublished)


def _told() -> None:
    op.create_table(
        "told",
        *_keys("tenant", "resource", "xero_id"),
        sa.Column("sight", JsonText(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.Column("due_on", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "resource", "xero_id", name=op.f("pk_told")),
    )
    owed = sa.text("due_on IS NOT NULL")
    op.create_index("ix_told_due_on", "told", ["tenant", "due_on"], sqlite_where=owed, postgresql_where=owed)


def _keys(*names: str) -> "list[sa.Column[str]]":
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def downgrade() -> None:
    for table in ("told", "news", "surveys", "gaps", "hearing", "readings"):
        op.drop_table(table)

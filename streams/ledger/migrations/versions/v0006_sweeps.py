"""Sweeps: how far the asking of each source's API came, and what the source says of its webhooks."""

import sqlalchemy as sa
from alembic import op

from streams.ledger.columns import UtcTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sweeps",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("led_until", UtcTime, nullable=False),
        sa.Column("cursor", sa.Text, nullable=True),
        sa.Column("tried_at", UtcTime, nullable=True),
        sa.Column("swept_at", UtcTime, nullable=True),
        sa.Column("failure", sa.Text, nullable=True),
        sa.Column("remedy", sa.Text, nullable=True),
        sa.Column("is_active", sa.Boolean, nullable=True),
        sa.Column("subscription", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("source", name="pk_sweeps"),
    )


def downgrade() -> None:
    op.drop_table("sweeps")

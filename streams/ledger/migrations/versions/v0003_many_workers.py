"""Many workers: since when a lease has its fence, and what became of a commit whose answer was lost."""

import sqlalchemy as sa
from alembic import op

from streams.ledger.columns import UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("leases", sa.Column("renewed_at", UtcTime(), nullable=True))
    op.add_column("leases", sa.Column("taken_at", UtcTime(), nullable=True))
    op.create_table(
        "receipts",
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("left_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("holder", name=op.f("pk_receipts")),
    )


def downgrade() -> None:
    op.drop_table("receipts")
    op.drop_column("leases", "taken_at")
    op.drop_column("leases", "renewed_at")

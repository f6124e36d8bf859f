"""Egress: how much Xero has answered for each organisation this month, which its plans charge for."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tenants", sa.Column("egress_bytes", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("tenants", sa.Column("egress_month", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("tenants", "egress_month")
    op.drop_column("tenants", "egress_bytes")

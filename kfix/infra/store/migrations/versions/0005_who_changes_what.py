"""Claims on objects, and alerts whose evidence was gathered"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates ``change_claims`` and ``gathered_alerts``."""
    op.create_table(
        "change_claims",
        sa.Column("target", sa.String(length=640), nullable=False),
        sa.Column("incident_id", sa.String(length=80), nullable=False),
        sa.Column("changes_hash", sa.String(length=32), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("target", name=op.f("pk_change_claims")),
    )
    with op.batch_alter_table("change_claims", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_change_claims_incident_id"), ["incident_id"])
    op.create_table(
        "gathered_alerts",
        sa.Column("cycle", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.String(length=64), nullable=False),
        sa.Column("delivery_id", sa.String(length=128), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("cycle", "severity", name=op.f("pk_gathered_alerts")),
    )


def downgrade() -> None:
    """Drops them, with what is in them."""
    op.drop_table("gathered_alerts")
    op.drop_table("change_claims")

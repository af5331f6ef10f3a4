"""Alerts that are kept for a next attempt, fixes that failed, and changes that are taken back"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Creates ``kept_alerts``, ``retries``, ``failed_attempts`` and ``reverts``."""
    op.create_table(
        "kept_alerts",
        sa.Column("delivery_id", sa.String(length=128), nullable=False),
        sa.Column("cycle", sa.String(length=64), nullable=False),
        sa.Column("trouble", sa.String(length=64), nullable=False),
        sa.Column("alerted_at", _TIME, nullable=False),
        sa.Column("alert", sa.JSON(), nullable=False),
        sa.Column("kept_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_kept_alerts")),
    )
    with op.batch_alter_table("kept_alerts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kept_alerts_kept_at"), ["kept_at"])
    op.create_table(
        "retries",
        sa.Column("incident_id", sa.String(length=80), nullable=False),
        sa.Column("outcome_id", sa.String(length=128), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_retries")),
    )
    op.create_table(
        "failed_attempts",
        sa.Column("incident_id", sa.String(length=64), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("attempt", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_failed_attempts")),
    )
    with op.batch_alter_table("failed_attempts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_failed_attempts_root"), ["root"])
    op.create_table(
        "reverts",
        sa.Column("incident_id", sa.String(length=80), nullable=False),
        sa.Column("why", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_reverts")),
    )


def downgrade() -> None:
    """Drops them, with what is in them."""
    for table in ("reverts", "failed_attempts", "retries", "kept_alerts"):
        op.drop_table(table)

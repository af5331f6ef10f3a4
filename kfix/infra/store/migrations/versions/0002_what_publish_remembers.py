"""What publish remembers: proposals, how fixes ended, snoozes"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates ``proposals`` and ``fix_outcomes``; adds ``merge_requests.snoozed_until``."""
    op.create_table(
        "proposals",
        sa.Column("incident_id", sa.String(length=80), nullable=False),
        sa.Column("plan_id", sa.String(length=128), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_proposals")),
    )
    op.create_table(
        "fix_outcomes",
        sa.Column("incident_id", sa.String(length=80), nullable=False),
        sa.Column("plan_id", sa.String(length=128), nullable=False),
        sa.Column("failure_class", sa.String(length=128), nullable=False),
        sa.Column("workload_kind", sa.String(length=64), nullable=False),
        sa.Column("fix_kind", sa.String(length=64), nullable=False),
        sa.Column("result", sa.String(length=16), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "plan_id", name=op.f("pk_fix_outcomes")),
    )
    with op.batch_alter_table("fix_outcomes", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_fix_outcomes_failure_class"), ["failure_class"], unique=False
        )
    op.add_column(
        "merge_requests", sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True)
    )


def downgrade() -> None:
    """Drops them, with what is in them."""
    op.drop_column("merge_requests", "snoozed_until")
    op.drop_table("fix_outcomes")
    op.drop_table("proposals")

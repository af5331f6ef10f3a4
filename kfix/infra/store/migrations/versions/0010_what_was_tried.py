"""What was tried, how it ended, and what people allow again"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates ``fix_trials`` and ``fix_lifts``."""
    op.create_table(
        "fix_trials",
        sa.Column("incident_id", sa.String(80), nullable=False),
        sa.Column("plan_id", sa.String(128), nullable=False),
        sa.Column("failure_class", sa.String(128), nullable=False),
        sa.Column("workload_kind", sa.String(64), nullable=False),
        sa.Column("fix_kind", sa.String(64), nullable=False),
        sa.Column("cluster", sa.String(255), nullable=False),
        sa.Column("environment", sa.String(32), nullable=False),
        sa.Column("object_key", sa.String(600), nullable=False),
        sa.Column("changes_hash", sa.String(32), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("predicted", sa.Integer()),
        sa.Column("proposed_at", sa.DateTime(timezone=True)),
        sa.Column("result", sa.String(16), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("told_at", sa.DateTime(timezone=True)),
        sa.Column("event_id", sa.String(128), nullable=False),
        sa.Column("judged_by", sa.String(255), nullable=False),
        sa.Column("doubted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "plan_id", name=op.f("pk_fix_trials")),
    )
    with op.batch_alter_table("fix_trials", schema=None) as batch_op:
        for column in ("failure_class", "object_key", "result"):
            batch_op.create_index(batch_op.f(f"ix_fix_trials_{column}"), [column], unique=False)
    op.create_table(
        "fix_lifts",
        sa.Column("lift_id", sa.String(64), nullable=False),
        sa.Column("cluster", sa.String(255), nullable=False),
        sa.Column("object_key", sa.String(600), nullable=False),
        sa.Column("fix_kind", sa.String(64), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_by", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lift_id", name=op.f("pk_fix_lifts")),
    )
    with op.batch_alter_table("fix_lifts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_fix_lifts_object_key"), ["object_key"], unique=False
        )


def downgrade() -> None:
    """Drops both, with what is in them."""
    op.drop_table("fix_lifts")
    op.drop_table("fix_trials")

"""Looks after a merge, and the alerts that were heard"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_INDEXED = ("incident_id", "fingerprint", "rule_key", "alerted_at")


def upgrade() -> None:
    """Creates ``heard_alerts``; adds what is kept between looks, and the rule of what is followed."""
    op.create_table(
        "heard_alerts",
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("incident_id", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("rule_key", sa.String(length=64), nullable=False),
        sa.Column("word", sa.String(length=16), nullable=False),
        sa.Column("alerted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_heard_alerts")),
    )
    with op.batch_alter_table("heard_alerts", schema=None) as batch_op:
        for name in _INDEXED:
            batch_op.create_index(batch_op.f(f"ix_heard_alerts_{name}"), [name], unique=False)
    with op.batch_alter_table("post_deploy_checks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("watch", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("verdict", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("live_told_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("late_told_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("followed_merge_requests", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("rule_key", sa.String(length=64), nullable=False, server_default="")
        )
        batch_op.create_index(
            batch_op.f("ix_followed_merge_requests_rule_key"), ["rule_key"], unique=False
        )


def downgrade() -> None:
    """Drops them, with what is in them."""
    with op.batch_alter_table("followed_merge_requests", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_followed_merge_requests_rule_key"))
        batch_op.drop_column("rule_key")
    with op.batch_alter_table("post_deploy_checks", schema=None) as batch_op:
        for name in ("late_told_at", "live_told_at", "verdict", "watch"):
            batch_op.drop_column(name)
    with op.batch_alter_table("heard_alerts", schema=None) as batch_op:
        for name in reversed(_INDEXED):
            batch_op.drop_index(batch_op.f(f"ix_heard_alerts_{name}"))
    op.drop_table("heard_alerts")

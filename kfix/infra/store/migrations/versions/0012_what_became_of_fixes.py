"""What became of each attempt at an incident, and what models were asked"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TIMES = ("opened_at", "merged_at", "closed_at", "recovered_at", "reverted_at", "came_back_at")


def upgrade() -> None:
    """Adds ``trust_facts`` and ``model_uses``, empty: the console fills them from the records that it has."""
    op.create_table(
        "trust_facts",
        sa.Column("incident_id", sa.String(80), primary_key=True),
        sa.Column("root_id", sa.String(80), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(24), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("failure_class", sa.String(128), nullable=False),
        sa.Column("workload_kind", sa.String(64), nullable=False),
        sa.Column("fix_kind", sa.String(64), nullable=False),
        sa.Column("object_key", sa.String(640), nullable=False),
        sa.Column("cluster", sa.String(255), nullable=False),
        sa.Column("environment", sa.String(32), nullable=False),
        sa.Column("monitor", sa.String(64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True)) for name in _TIMES),
        sa.Column("result", sa.String(16), nullable=False),
        sa.Column("judgement", sa.String(16), nullable=False),
        sa.Column("wrong_cause", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("to_merge_request_s", sa.Float()),
        sa.Column("to_merge_s", sa.Float()),
        sa.Column("to_recovery_s", sa.Float()),
        sa.Column("facts", sa.JSON(), nullable=False),
    )
    op.create_index("ix_trust_facts_root_id", "trust_facts", ["root_id"])
    op.create_index("ix_trust_facts_began_at", "trust_facts", ["began_at"])
    op.create_table(
        "model_uses",
        sa.Column("event_id", sa.String(128), primary_key=True),
        sa.Column("incident_id", sa.String(80), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("input_tokens", sa.Integer(), nullable=False),
        sa.Column("output_tokens", sa.Integer(), nullable=False),
    )
    op.create_index("ix_model_uses_incident_id", "model_uses", ["incident_id"])
    op.create_index("ix_model_uses_asked_at", "model_uses", ["asked_at"])


def downgrade() -> None:
    """Drops both; they are made again from the records."""
    op.drop_table("model_uses")
    op.drop_table("trust_facts")

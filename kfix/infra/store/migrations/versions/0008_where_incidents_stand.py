"""Where incidents stand"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes ``incident_lines``, empty: the console fills it from the records that are there when it starts."""
    op.create_table(
        "incident_lines",
        sa.Column("incident_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_incident_lines")),
    )
    with op.batch_alter_table("incident_lines", schema=None) as batch_op:
        batch_op.create_index("ix_incident_lines_last_at", ["last_at"], unique=False)
        batch_op.create_index("ix_incident_lines_state", ["state"], unique=False)


def downgrade() -> None:
    """Drops it."""
    with op.batch_alter_table("incident_lines", schema=None) as batch_op:
        batch_op.drop_index("ix_incident_lines_state")
        batch_op.drop_index("ix_incident_lines_last_at")
    op.drop_table("incident_lines")

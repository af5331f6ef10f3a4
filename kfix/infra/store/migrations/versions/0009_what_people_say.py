"""What a person's judgement is about, in which role and by which way it came"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds ``about``, ``role`` and ``way`` to ``incident_feedback``, empty in the rows that are there."""
    with op.batch_alter_table("incident_feedback", schema=None) as batch_op:
        for name in ("about", "role", "way"):
            batch_op.add_column(sa.Column(name, sa.String(16), nullable=False, server_default=""))


def downgrade() -> None:
    """Drops them, with what is in them."""
    with op.batch_alter_table("incident_feedback", schema=None) as batch_op:
        for name in ("way", "role", "about"):
            batch_op.drop_column(name)

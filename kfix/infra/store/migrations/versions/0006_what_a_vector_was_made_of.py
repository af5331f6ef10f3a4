"""The text that a vector was made of"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds ``text`` to ``memory_vectors``, empty in the rows that are there."""
    with op.batch_alter_table("memory_vectors", schema=None) as batch_op:
        batch_op.add_column(sa.Column("text", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Drops it, with what is in it."""
    with op.batch_alter_table("memory_vectors", schema=None) as batch_op:
        batch_op.drop_column("text")

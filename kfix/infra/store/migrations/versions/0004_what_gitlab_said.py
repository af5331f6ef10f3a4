"""What GitLab said of merge requests, when their alerts were on, how far they were read again"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Creates ``merge_request_words``, ``alert_standings`` and ``rereads``; adds when merge requests were read and asked for."""
    op.create_table(
        "merge_request_words",
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("incident_id", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_merge_request_words")),
    )
    with op.batch_alter_table("merge_request_words", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_merge_request_words_incident_id"), ["incident_id"], unique=False
        )
    op.create_table(
        "alert_standings",
        sa.Column("incident_id", sa.String(length=80), nullable=False),
        sa.Column("alerted_at", _TIME, nullable=True),
        sa.Column("recovered_at", _TIME, nullable=True),
        sa.Column("marked", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_alert_standings")),
    )
    op.create_table(
        "rereads",
        sa.Column("project", sa.String(length=255), nullable=False),
        sa.Column("began_at", _TIME, nullable=False),
        sa.Column("position", _TIME, nullable=True),
        sa.Column("read_at", _TIME, nullable=True),
        sa.Column("leased_until", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("project", name=op.f("pk_rereads")),
    )
    # What is known to have ended was told already.
    op.execute(
        "INSERT INTO merge_request_words (event_id, incident_id, action, at, told) "
        "SELECT 'known-' || incident_id, incident_id, state, COALESCE(closed_at, opened_at), TRUE "
        "FROM merge_requests WHERE state IN ('merged', 'closed')"
    )
    op.add_column("merge_requests", sa.Column("read_through", _TIME, nullable=True))
    op.add_column("followed_merge_requests", sa.Column("asked_at", _TIME, nullable=True))


def downgrade() -> None:
    """Drops them, with what is in them."""
    op.drop_column("followed_merge_requests", "asked_at")
    op.drop_column("merge_requests", "read_through")
    op.drop_table("rereads")
    op.drop_table("alert_standings")
    op.drop_table("merge_request_words")

"""The relational store: one engine, one set of tables. Each stage's tables stand in its own module beside this one
(``enrich_tables``, ``decide_tables``, ``publish_tables``, ``learn_tables``, ``console_tables``), all on ``store.metadata``;
``migrations/`` (Alembic) makes them. Stages query through their own adapters."""

from __future__ import annotations

from sqlalchemy import MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

"""Proofs of environments as tests want them."""

from __future__ import annotations

from kfix.incident import environment_words as words
from kfix.incident.environments import judge
from schemas.base import Environment
from schemas.places import ClusterClaim, EnvironmentProof, Speaker, Statement

OURS = ClusterClaim(verdict="ours", named=("eu-1",), own="eu-1")


def statement(source: Speaker, value: str, *, explicit: bool = True) -> Statement:
    meaning = words.of_value(value)
    return Statement(
        source=source,
        value=value,
        where=f"test of {source}",
        environment=meaning.environment,
        place=meaning.place,
        explicit=explicit,
    )


def proof(
    environment: Environment, sources: tuple[Speaker, ...] = ("namespace", "repository")
) -> EnvironmentProof:
    """All of these sources say it; nobody says ``unknown``."""
    if environment == "unknown":
        return EnvironmentProof()
    return judge(statement(source, environment) for source in sources)

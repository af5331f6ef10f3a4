"""Which environment and whose cluster, and who says so, as the console shows it. Pure."""

from __future__ import annotations

from console.core.story import IncidentStory
from schemas.base import Json
from schemas.places import ClusterClaim, EnvironmentProof
from schemas.text import plain_json


def proof_of(story: IncidentStory) -> EnvironmentProof | None:
    """The proof of the plan in front, else the incident's; ``None`` before it is decided."""
    if story.plans and story.plans[0].proof.statements:
        return story.plans[0].proof
    return story.context.proof if story.context else None


def environment(story: IncidentStory) -> dict[str, Json]:
    """The proof as data; empty before the incident is decided."""
    proof = proof_of(story)
    return plain_json(proof) if proof is not None else {}


def cluster(story: IncidentStory) -> dict[str, Json]:
    """The claim as data; empty before the incident is decided."""
    claim: ClusterClaim | None = story.context.claim if story.context else None
    return plain_json(claim) if claim is not None else {}

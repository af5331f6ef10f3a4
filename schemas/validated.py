"""`plans.validated`: the same plans with every check's verdict and numbers. Written by safety, read by publish."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Model, Record, Status
from schemas.next_steps import NextStep
from schemas.places import EnvironmentProof
from schemas.plans import (
    AbstentionReason,
    ActionPlan,
    Analysis,
    IncidentContext,
    SecondOpinion,
)
from schemas.text import Spoken, Text
from schemas.worlds import World

CheckName = Literal[
    "environment_policy",
    "fix_policy",
    "resource_quota",
    "limit_range",
    "requests_within_limits",
    "scaling_ceiling",
    "node_fit",
    "disruption_budget",
    "schema",
    "manifest_edit",
    "render",
    "server_dry_run",
    "historical_failures",
    "repairs",
    "image_exists",
]


class CheckResult(Spoken):
    """A verdict with its numbers. ``unknown`` never passes in production."""

    name: CheckName
    verdict: Literal["pass", "fail", "unknown"]
    #: One sentence for people, with the numbers in it.
    reason: str
    #: Numbers and words behind the verdict, as shown in the proof block (``used`` → ``3500m``).
    numbers: dict[str, str] = Field(default_factory=dict)
    elapsed_ms: float = 0.0
    reason_text: Text | None = None
    numbers_text: dict[str, Text] = Field(default_factory=dict)


class FileEdit(Spoken):
    """The proven edit of one file: the text that was checked is the text that gets published."""

    project: str
    path: str
    #: Branch the edit is based on, its commit, and the last commit that touched the file (optimistic lock).
    ref: str
    base_commit: str = ""
    last_commit_id: str = ""
    #: sha256 of the whole file's bytes, hex.
    before_sha256: str
    after_sha256: str
    #: The new file content, whole.
    after: str
    #: Unified diff, as ``git apply`` takes it.
    diff: str
    added_lines: int = 0
    removed_lines: int = 0
    #: How the file was found, step by step.
    located_by: tuple[str, ...] = ()
    located_by_text: tuple[Text | None, ...] = ()


class ValidatedPlan(Model):
    """A plan with its verdicts. ``rejected_by`` names the checks that stopped it, empty when accepted."""

    plan: ActionPlan
    accepted: bool
    rejected_by: tuple[CheckName, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    edits: tuple[FileEdit, ...] = ()
    #: As the incident's, with what the changed objects and the changed files say.
    proof: EnvironmentProof = Field(default_factory=EnvironmentProof)


class ValidatedPlans(Spoken, Record):
    """What may be published. ``recommended`` is the plan_id of the first accepted plan, empty without one."""

    incident_id: str
    fingerprint: str
    status: Status
    reason: AbstentionReason = ""
    explanation: str = ""
    role: Literal["first", "repeat", "recovery"] = "first"
    context: IncidentContext
    analysis: Analysis | None = None
    plans: tuple[ValidatedPlan, ...] = ()
    recommended: str = ""
    #: May the merge request merge by itself once its pipeline passed? Never in production.
    auto_merge: bool = False
    policy_version: str = ""
    second_opinion: SecondOpinion = Field(default_factory=SecondOpinion)
    #: What people can look at, where they are asked. Empty in records of older versions.
    next_steps: tuple[NextStep, ...] = ()
    explanation_text: Text | None = None
    #: What was heard of the world for it. Empty in records of older versions.
    world: World = Field(default_factory=World)

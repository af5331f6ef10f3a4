"""Which merge request may merge without a person. Pure: what the record says, and what the forge says of its head."""

from __future__ import annotations

from collections.abc import Collection

from kfix.incident import environments
from kfix.incident.forge.port import Head
from schemas.validated import ValidatedPlan, ValidatedPlans


def may_merge_itself(
    record: ValidatedPlans, chosen: ValidatedPlan, protected: Collection[str] = ()
) -> bool:
    """Only where policy asked for this very plan, and only in a lower environment that is proven and not ``protected``.

    Where no alert named the cluster, people merge: it may be somebody else's.
    """
    asked = record.auto_merge and chosen.plan.plan_id == record.recommended
    named = record.context.claim.verdict == "ours"
    return asked and named and environments.may_merge(chosen.proof, protected)


def has_passed(head: Head, sha: str, target: str) -> bool:
    """Is the head our one commit ``sha``, still meant for ``target``, and did a pipeline of that very commit succeed?

    A skipped one did not.
    """
    ours = head.state == "opened" and bool(sha) and head.sha == sha and head.commits == 1
    ours = ours and head.target == target
    return ours and head.pipeline_sha == sha and head.pipeline_status == "success"

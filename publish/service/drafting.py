"""What a merge request says and whom it asks, from a plan that its owners let be proposed."""

from __future__ import annotations

from dataclasses import replace

from kfix.incident.fix_record import FixRecord, posterior
from kfix.incident.forge.dialect import Dialect
from kfix.incident.forge.port import Forge, MergeRequestDraft
from publish.core import description, failed
from publish.core.decision import Proven
from publish.core.repo_policy import OPEN, Consent
from publish.ports import PublishPorts
from publish.service.repository_policy import Allowed
from schemas.identity import attempt_of, branch_of, revert_of
from schemas.merge_requests import MergeRequestRef
from schemas.validated import ValidatedPlan, ValidatedPlans


async def draft_of(
    record: ValidatedPlans,
    allowed: Allowed,
    ports: PublishPorts,
    forge: Forge,
    *,
    commit: str,
    reapplied: bool = False,
) -> MergeRequestDraft:
    """The merge request for a plan whose ``commit`` is on the branch. ``reapplied``: on a newer base than the proof's."""
    sure, settings, namespace = allowed.plan, ports.settings, record.context.namespace
    chosen = sure.plan
    page = await _page(record, allowed, ports, forge.dialect, commit, reapplied=reapplied)
    reviewers = await _reviewers(sure, namespace, allowed.consent, ports, forge)
    written = description.written(record, chosen, page)
    return MergeRequestDraft(
        project=sure.project,
        branch=branch_of(record.incident_id),
        target=sure.target,
        title=written.title,
        description=written.text,
        not_yet=page.draft,
        labels=written.labels,
        assignee=settings.assignees.get(namespace) or settings.assignees.get("*", ""),
        reviewers=reviewers,
        reviewers_at_most=settings.reviewers_at_most,
    )


async def revert_draft(
    fix: failed.FailedFix, allowed: Allowed, ports: PublishPorts, forge: Forge
) -> MergeRequestDraft:
    """The merge request that takes a fix back; ``allowed`` has the plan that does."""
    record = fix.record
    sure, settings, namespace = allowed.plan, ports.settings, record.context.namespace
    page = description.Page(
        language=ports.language,
        dialect=forge.dialect,
        incident_url=incident_url(record.incident_id, ports),
        hosts=ports.hosts,
        target=sure.target,
        cluster=ports.fleet.one_of_several(record.context.cluster),
    )
    written = failed.written(fix, sure.plan, page)
    return MergeRequestDraft(
        project=sure.project,
        branch=branch_of(revert_of(fix.outcome.incident_id)),
        target=sure.target,
        title=written.title,
        description=written.text,
        labels=written.labels,
        assignee=settings.assignees.get(namespace) or settings.assignees.get("*", ""),
        reviewers=await _reviewers(sure, namespace, allowed.consent, ports, forge),
        reviewers_at_most=settings.reviewers_at_most,
    )


def incident_url(incident_id: str, ports: PublishPorts) -> str:
    """The incident's page, whichever attempt at it is meant."""
    return f"{ports.console_url.rstrip('/')}/incidents/{attempt_of(incident_id).incident_id}"


async def _page(
    record: ValidatedPlans,
    allowed: Allowed,
    ports: PublishPorts,
    dialect: Dialect,
    commit: str,
    *,
    reapplied: bool,
) -> description.Page:
    sure, chosen = allowed.plan, allowed.plan.plan
    return description.Page(
        language=ports.language,
        dialect=dialect,
        incident_url=incident_url(record.incident_id, ports),
        hosts=ports.hosts,
        commit=commit,
        target=sure.target,
        history=await _fared(record, chosen, ports),
        draft=chosen.plan.confidence < ports.settings.draft_below,
        reapplied=reapplied,
        consented=allowed.consent != OPEN,
        withheld=allowed.withheld,
        alone=sure.alone,
        cluster=ports.fleet.one_of_several(record.context.cluster),
        reverts=await _reverts(record, ports),
    )


async def _reverts(record: ValidatedPlans, ports: PublishPorts) -> dict[str, MergeRequestRef]:
    """The open merge requests that take earlier attempts back."""
    found = dict[str, MergeRequestRef]()
    for one in record.context.failed_attempts:
        name = revert_of(one.incident_id)
        known, ref = await ports.ledger.of_incident(name), await ports.ledger.ref_of(name)
        if known is not None and known.state == "opened" and ref is not None:
            found[one.incident_id] = ref
    return found


async def _fared(
    record: ValidatedPlans, chosen: ValidatedPlan, ports: PublishPorts
) -> FixRecord | None:
    """How fixes of this kind ended so far."""
    if record.analysis is None:
        return None
    plan, failure = chosen.plan, record.analysis.failure_class
    known = await ports.ledger.fixes_like(failure, plan.workload_kind, plan.fix_kind)
    fared = posterior(((fix.counted, fix.at) for fix in known), ports.now())
    return replace(fared, taken_back=sum(fix.taken_back for fix in known))


async def _reviewers(
    plan: Proven, namespace: str, said: Consent, ports: PublishPorts, forge: Forge
) -> tuple[str, ...]:
    """Who is asked: whom the owners name, whom the settings name, and who owns the changed files."""
    settings = ports.settings
    named = settings.reviewers.get(namespace) or settings.reviewers.get("*", ())
    owners: tuple[str, ...] = ()
    if settings.codeowners:
        paths = [edit.path for edit in plan.edits]
        owners = await forge.owners(plan.project, plan.target, paths)
    return tuple(dict.fromkeys((*(said.reviewers or ()), *named, *owners)))

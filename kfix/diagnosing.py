"""A case without the river: enrich → decide → safety's offline checks → the edit as a diff, in one process.

A case is a folder with ``alert.json``, ``cluster/``, optional ``metrics.json``, ``extra.json`` and ``manifests/`` or
``repo/``. No broker, no network, no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from decide import core as decide_core
from decide.core.opinion import Verdict
from enrich.adapters.capture import Capture, read_capture
from enrich.core.bundle import Gathered, Rules, assemble
from ingest.core import datadog, reading
from ingest.core.outcomes import Malformed
from manifests import proposing
from manifests.refused import Refused
from schemas.base import Json
from schemas.context import ContextBundle
from schemas.plans import ActionPlan, CandidatePlans, SecondOpinion

#: JSON deeper than this is no alert.
_DEPTH = 64
#: Records on the topic are bounded; a folder on disk is not.
_NO_BOUND = 1 << 40


class BadCase(ValueError):
    """A folder that is no case: no readable alert, or nothing captured."""


@dataclass(frozen=True, slots=True)
class Case:
    """A case on disk. ``repository`` may be ``None``: then there is no diff."""

    name: str
    alert: Path
    dump: Path | None
    repository: Path | None
    folder: Path | None = None


def case_of(folder: Path) -> Case:
    """The parts of a case folder. Raises BadCase when it has no alert."""
    alert = folder / "alert.json"
    if not alert.is_file():
        raise BadCase(f"no alert.json in {folder}")
    dump = folder / "cluster"
    repository = next((folder / n for n in ("repo", "manifests") if (folder / n).is_dir()), None)
    return Case(folder.name, alert, dump if dump.is_dir() else None, repository, folder)


def bundle_of(case: Case, capture: Capture) -> ContextBundle:
    """The evidence as decide reads it. Raises BadCase on an unreadable alert."""
    body = case.alert.read_bytes()
    document = reading.document_of(body, "application/json", _DEPTH)
    if isinstance(document, Malformed):
        raise BadCase(f"{case.alert.name}: {document.reason} {document.detail}")
    alert = datadog.alert_of(document)
    received = alert.happened_at or datetime.fromtimestamp(case.alert.stat().st_mtime, UTC)
    gathered = Gathered(
        alert=alert,
        delivery_id=datadog.delivery_id(document, alert, body),
        received_at=received,
        objects=capture.objects,
        logs=tuple(capture.logs),
        metrics=tuple(capture.metrics),
        declared=tuple(capture.declared),
        sources=capture.sources(),
        extra=capture.extra,
    )
    return assemble(gathered, Rules(max_bytes=_NO_BOUND))


def diagnose_case(case: Case, language: str = "en") -> dict[str, Json]:
    """One case's whole answer as one JSON object. Raises BadCase."""
    capture = read_capture(case.dump, case.repository, case.folder)
    if not capture.objects and not capture.metrics and not capture.logs:
        raise BadCase(f"nothing was captured in {case.dump or case.folder}")
    bundle = bundle_of(case, capture)
    verdict = decide_core.diagnose(bundle, language=language)
    record = decide_core.candidate(
        bundle,
        verdict,
        incident_id="",
        fingerprint=decide_core.fingerprint_of(bundle, verdict),
        role="first",
        said=SecondOpinion(),
    )
    return {"case": case.name, **answer(record, verdict, capture)}


def answer(record: CandidatePlans, verdict: Verdict, capture: Capture) -> dict[str, Json]:
    """The printed form of a decision: plans that cannot be written are told with the reason, not dropped."""
    plans = list(verdict.plans)
    diffs = [diff_of(plan, record, capture) for plan in plans]
    checks = _checks(record)
    order = sorted(range(len(plans)), key=lambda n: (bool(diffs[n][1]), _failed(checks, plans[n]), n))  # fmt: skip
    shown = [_plan_json(plans[n], diffs[n][1]) for n in order]
    first = order[0] if order else None
    out: dict[str, Json] = {
        "status": record.status,
        "reason": record.reason,
        "explanation": record.explanation,
        "ai_analysis": _analysis_json(record),
        "hypotheses": _hypotheses_json(record),
        "recommended_action": shown[0] if shown else None,
        "alternative_actions": shown[1:],
        "safety_checks": checks.get(plans[first].plan_id, []) if first is not None else [],
        "diff": diffs[first][0] if first is not None else "",
        "rules_version": record.rules_version,
    }
    return out


def diff_of(plan: ActionPlan, record: CandidatePlans, capture: Capture) -> tuple[str, str]:
    """The unified diff of a plan, or why there is none."""
    if not capture.files:
        return "", "no deployment repository given"
    edits = proposing.propose(
        capture.files,
        plan.kubernetes_changes,
        environment=record.context.environment,
        project="repository",
        ref="HEAD",
    )
    if isinstance(edits, Refused):
        return "", f"{edits.code}: {edits.reason}"
    return "".join(
        edit.diff for edit in edits
    ), "" if edits else "the repository declares it already"


def _checks(record: CandidatePlans) -> Mapping[str, list[dict[str, Json]]]:
    """Safety's offline verdicts by plan id."""
    check_offline = getattr(import_module("safety.core"), "check_offline", None)
    if check_offline is None:
        return {}
    validated = check_offline(record)
    return {
        plan.plan.plan_id: [
            check.model_dump(mode="json", exclude={"elapsed_ms"}) for check in plan.checks
        ]
        for plan in validated.plans
    }


def _failed(checks: Mapping[str, list[dict[str, Any]]], plan: ActionPlan) -> bool:
    return any(check["verdict"] == "fail" for check in checks.get(plan.plan_id, []))


def _plan_json(plan: ActionPlan, no_diff: str) -> dict[str, Json]:
    out = plan.mission_json()
    return {**out, "not_editable": no_diff} if no_diff else out


def _analysis_json(record: CandidatePlans) -> dict[str, Json]:
    analysis = record.analysis
    if analysis is None:
        return {}
    return {
        "failure_class": analysis.failure_class,
        "object": analysis.object.key,
        "root_cause": analysis.root_cause,
        "severity": analysis.severity,
        "confidence": analysis.confidence,
        "affected_services": list(analysis.affected_services),
        "estimated_impact": analysis.estimated_impact,
        "evidence": [
            {"id": e.id, "source": e.source, "statement": e.statement} for e in analysis.evidence
        ],
    }


def _hypotheses_json(record: CandidatePlans) -> list[Json]:
    found = record.analysis.hypotheses if record.analysis else ()
    return [
        {
            "failure_class": h.failure_class,
            "object": h.object.key,
            "root_cause": h.root_cause,
            "confidence": h.confidence,
            "evidence_for": list(h.evidence_for),
            "evidence_against": list(h.evidence_against),
        }
        for h in found
    ]


def failure(case: str, error: Exception) -> dict[str, Json]:
    """The printed form of a case that could not be read: a person is asked, with the error."""
    return {
        "case": case,
        "status": "needs_human",
        "reason": "not_enough_evidence",
        "error": f"{type(error).__name__}: {error}",
        "ai_analysis": {},
        "hypotheses": [],
        "recommended_action": None,
        "alternative_actions": [],
        "safety_checks": [],
        "diff": "",
    }

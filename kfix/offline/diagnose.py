"""A case without the pipeline: enrich → decide → safety's offline checks → the edit as a diff, in one process.

A case is a folder with ``alert.json``, ``cluster/``, optional ``metrics.json``, ``extra.json``, ``registry.json``
and ``manifests/`` or ``repo/``. No broker, no network, no model. A folder without ``cluster/`` is a dump itself,
and so is an archive of one; without ``alert.json`` the question is what is worst in it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from decide import core as decide_core
from decide.adapters.playbooks import load_playbooks
from decide.core.playbooks import Playbooks
from decide.core.view import ClusterView
from decide.settings import Decide
from enrich.adapters.archives import is_archive, top_of, unpack
from enrich.adapters.capture import Capture, read_capture
from enrich.core.bundle import GatheredEvidence, Rules, assemble, with_commits
from enrich.core.lacking import REFERRED
from ingest.core.outcomes import Malformed
from ingest.core.reading import document_of
from ingest.sources import alert_in
from kfix.infra.clusters import fleet
from kfix.infra.settings import AppSettings, load
from kfix.offline.commits import changes_around
from kfix.offline.edit import Workspace
from kfix.offline.renderers import here
from kfix.texts import in_language, known, language_of, retold, say
from manifests.objects.meta import namespace_of
from manifests.objects.shapes import at
from manifests.objects.times import instant
from manifests.proposal.by_hand import by_hand
from manifests.repository.index import RepositoryIndex
from manifests.repository.rendering import Renderer
from safety.adapters.policy_file import protecting, read_policy
from safety.adapters.schemas import PublishedSchemas
from safety.service.validation import examine_offline
from safety.settings import Safety
from schemas.alerts import Alert
from schemas.base import Json, ObjectRef
from schemas.context import ContextBundle
from schemas.plans import SecondOpinion
from schemas.text import plain_json, sentence_of
from schemas.validated import ValidatedPlan, ValidatedPlans

#: JSON deeper than this is no alert.
_DEPTH = 64


#: Kinds that an alert can be about; the worst trouble may also be a Service's or a node's.
_ALERTED = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")


class BadCase(ValueError):
    """A folder that is no case: an unreadable alert, or nothing captured."""


@dataclass(frozen=True, slots=True)
class CapturedCase:
    """A case on disk. No ``repository``: no diff. No ``alert``: the worst that the dump shows is asked about."""

    name: str
    alert: Path | None
    dump: Path | None
    repository: Path | None
    folder: Path | None = None
    #: What an archive holds and was not unpacked, and why.
    left_out: Mapping[str, str] = field(default_factory=dict)
    #: The archive that was given; people do not know the folder that it is unpacked in.
    archive: Path | None = None


@contextmanager
def opened(given: Path | CapturedCase) -> Iterator[CapturedCase]:
    """A case with its archives unpacked into a folder that is gone afterwards. Raises BadCase."""
    archive = given if isinstance(given, Path) else given.dump
    if archive is None or not is_archive(archive):
        yield given if isinstance(given, CapturedCase) else case_of(given)
        return
    with tempfile.TemporaryDirectory(prefix="kfix-case-") as place:
        left_out = unpack(archive, Path(place))
        top = top_of(Path(place))
        if isinstance(given, CapturedCase):
            yield replace(given, dump=top, left_out=left_out, archive=archive)
        else:
            case = replace(case_of(top), name=archive.name)
            yield replace(case, left_out=left_out, archive=archive)


def case_of(folder: Path) -> CapturedCase:
    """The parts of a case folder, or of a whole dump in one file. Raises BadCase when there is nothing there."""
    if folder.is_file():
        return CapturedCase(folder.name, None, folder, None)
    if not folder.is_dir():
        raise BadCase(say("diagnose.absent", path=str(folder)))
    alert, dump = folder / "alert.json", folder / "cluster"
    repository = next((folder / n for n in ("repo", "manifests") if (folder / n).is_dir()), None)
    return CapturedCase(
        folder.resolve().name,
        alert if alert.is_file() else None,
        dump if dump.is_dir() else folder,
        repository,
        folder,
    )


def bundle_of(case: CapturedCase, capture: Capture) -> ContextBundle:
    """The evidence as decide reads it. Raises BadCase on an unreadable alert."""
    bundle = _prompted(case, case.alert, capture) if case.alert else _unprompted(case, capture)
    bundle = _with_gaps(bundle, capture)
    if case.repository is None:
        return bundle
    return with_commits(bundle, changes_around(case.repository, bundle, capture.files))


def _with_gaps(bundle: ContextBundle, capture: Capture) -> ContextBundle:
    """The bundle with what the dump lacks of its namespace as sources that did not tell everything.

    A kind that others name is left out whole then: each of it would seem not to be there.
    """
    context = bundle.k8s_context
    gaps = capture.lacking(context.namespace)
    without = {plural for plural, _ in gaps} & REFERRED
    objects = {plural: items for plural, items in context.objects.items() if plural not in without}
    return bundle.model_copy(
        update={
            "sources": (*bundle.sources, *(status for _, status in gaps)),
            "k8s_context": context.model_copy(update={"objects": objects}),
        }
    )


def _prompted(case: CapturedCase, alert: Path, capture: Capture) -> ContextBundle:
    """The evidence of a case with its alert. Raises BadCase on an unreadable one."""
    body = alert.read_bytes()
    document = document_of(body, "application/json", _DEPTH)
    if isinstance(document, Malformed):
        raise BadCase(_no_alert(alert, document))
    said = alert_in(document, body)
    received = said.alert.happened_at or datetime.fromtimestamp(alert.stat().st_mtime, UTC)
    return _assembled(said.alert, said.delivery, received, capture)


def _assembled(alert: Alert, delivery: str, received: datetime, capture: Capture) -> ContextBundle:
    gathered = GatheredEvidence(
        alert=alert,
        delivery_id=delivery,
        received_at=received,
        objects=capture.objects,
        logs=tuple(capture.logs),
        metrics=tuple(capture.metrics),
        declared=tuple(capture.declared),
        sources=capture.sources(),
        extra=capture.extra,
        registry=capture.registry,
    )
    return assemble(gathered, Rules())


def _unprompted(case: CapturedCase, capture: Capture) -> ContextBundle:
    """The evidence of a dump without an alert. Its subject is what the rules find worst when nobody points anywhere."""
    taken = _latest(capture.objects.values())
    bundle = _assembled(
        Alert(title=f"No alert: what is wrong in {case.name}?", state="unknown"),
        case.name,
        taken or datetime.fromtimestamp((case.dump or Path()).stat().st_mtime, UTC),
        capture,
    )
    verdict = decide_core.diagnose(bundle, playbooks=_playbooks())
    worst = verdict.analysis.object if verdict.analysis is not None else None
    if verdict.status == "no_action":
        worst = next(_sick(bundle, systems=True), None)
    elif worst is None or not worst.namespace:
        worst = next(chain(_sick(bundle, systems=False), _sick(bundle, systems=True)), None)
    return bundle if worst is None or not worst.namespace else _about(bundle, worst)


def _sick(bundle: ContextBundle, *, systems: bool) -> Iterator[ObjectRef]:
    """Workloads with pods that are not ready, of Kubernetes' own namespaces or of all others.

    The rules look at Kubernetes' own only when an alert names them.
    """
    spaces = {namespace_of(pod) for pod in bundle.k8s_context.objects.get("pods", ())}
    for space in sorted(one for one in spaces if one.startswith("kube-") is systems):
        context = bundle.k8s_context.model_copy(update={"namespace": space})
        view = ClusterView(bundle.model_copy(update={"k8s_context": context}))
        for workload in view.workloads:
            if any(not pod.ready and pod.phase != "Succeeded" for pod in workload.pods):
                yield workload.ref


def _about(bundle: ContextBundle, worst: ObjectRef) -> ContextBundle:
    alerted = worst.kind in _ALERTED
    focused = {"namespace": worst.namespace, "subject": worst if alerted else None}
    return bundle.model_copy(
        update={
            "k8s_context": bundle.k8s_context.model_copy(update=focused),
            "service": worst.name if alerted else "",
        }
    )


def _playbooks() -> Playbooks:
    """The same as the stage decides with."""
    return load_playbooks(load(Decide).playbooks_dir)


def _latest(kinds: Iterable[Iterable[Json]]) -> datetime | None:
    """The latest time that events and objects tell: a dump is as old as the last thing in it."""
    told = (
        instant(text)
        for items in kinds
        for item in items
        for text in (
            item.get("lastTimestamp"),
            item.get("eventTime"),
            at(item, "metadata", "creationTimestamp"),
        )
        if text
    )
    return max((at for at in told if at is not None and at.tzinfo is not None), default=None)


def diagnose_case(case: CapturedCase, language: str = "en") -> dict[str, Json]:
    """One case's whole answer as one JSON object. Raises BadCase."""
    capture = read_capture(case.dump, case.repository, case.folder)
    capture.troubles |= case.left_out
    if not capture.objects and not capture.metrics and not capture.logs:
        raise BadCase(_nothing(case, capture))
    bundle = bundle_of(case, capture)
    index = Workspace().index(case.repository) if case.repository is not None else None
    found = diagnose_bundle(case.name, bundle, index, language, renderer=here())
    damage = case.left_out.get(case.archive.name) if case.archive is not None else None
    if damage is not None:
        found["damaged"] = str(in_language(damage, language_of(language)))
    return found


def diagnose_bundle(
    name: str,
    bundle: ContextBundle,
    files: Mapping[str, bytes] | RepositoryIndex | None,
    language: str = "en",
    *,
    renderer: Renderer | None = None,
) -> dict[str, Json]:
    """The answer to a bundle under ``name``; ``files`` are the repository's, for the edit, none without one.

    Without a ``renderer`` no program is started.
    """
    playbooks = _playbooks()
    started = time.perf_counter()
    verdict = decide_core.diagnose(bundle, language=language, playbooks=playbooks)
    thought_ms = (time.perf_counter() - started) * 1000
    record = decide_core.candidate(
        bundle,
        verdict,
        incident_id="",
        fingerprint=decide_core.fingerprint_of(bundle, verdict),
        role="first",
        said=SecondOpinion(),
        language=language,
    )
    settings = load(Safety)
    policy = protecting(read_policy(settings.policy_file), load(AppSettings).protected_environments)
    policy = policy.in_cluster(fleet().called(record.context.cluster))
    schemas = PublishedSchemas(settings.kubernetes_version)
    validated = examine_offline(record, files or None, policy, schemas, renderer)
    # What to look at is of use before a fix is merged, too.
    told = validated.model_copy(update={"next_steps": record.next_steps})
    shown = answer(retold(told, language_of(language)), record.rules_version)
    return {"case": name, **shown, "rules_ms": thought_ms}


def _nothing(case: CapturedCase, capture: Capture) -> str:
    """What is missing, and what to do about it."""
    path = str(case.archive or case.dump or case.folder)
    if not capture.troubles:
        return say("diagnose.nothing", path=path)
    first = sorted(capture.troubles.items())[:3]
    why = [say("diagnose.trouble", name=name, why=reason) for name, reason in first]
    return say("diagnose.nothing_read", path=path, why=why)


def _no_alert(alert: Path, found: Malformed) -> str:
    """Why the file is no alert: what is wrong with it, and where a parser knows that, the place."""
    key = f"diagnose.no_alert.{found.reason}"
    why = say(key if known(key) else "diagnose.no_alert.other", detail=found.detail)
    return say("diagnose.no_alert_in", name=alert.name, why=why)


def answer(record: ValidatedPlans, rules_version: str) -> dict[str, Json]:
    """The printed form of a decision. Rejected plans stay visible, behind the others, with what stopped them."""
    ranked = sorted(
        record.plans, key=lambda p: (p.plan.plan_id != record.recommended, not p.accepted)
    )
    first = next((p for p in ranked if p.plan.plan_id == record.recommended), None)
    rest = [p for p in ranked if p is not first]
    return {
        "status": record.status,
        "reason": record.reason,
        "explanation": record.explanation,
        "ai_analysis": _analysis_json(record),
        "hypotheses": _hypotheses_json(record),
        "recommended_action": _plan_json(first) if first else None,
        "alternative_actions": [_plan_json(plan) for plan in rest],
        "safety_checks": _checks_json(first or (rest[0] if rest else None)),
        "diff": "".join(edit.diff for edit in first.edits) if first else "",
        "next_steps": [plain_json(step) for step in record.next_steps],
        "not_read": _not_read_json(record),
        "rules_version": rules_version,
    }


def _not_read_json(record: ValidatedPlans) -> list[Json]:
    """What is there and was not read, or not whole; not what nobody captured."""
    degraded = (source for source in record.context.sources if source.state == "degraded")
    return [{"name": source.name, "reason": source.reason} for source in degraded]


def _plan_json(validated: ValidatedPlan) -> dict[str, Json]:
    out = validated.plan.mission_json()
    if validated.rejected_by:
        out["rejected_by"] = list(validated.rejected_by)
    if not validated.edits:
        out["by_hand"] = by_hand(validated.plan.kubernetes_changes)
    return out


def _checks_json(validated: ValidatedPlan | None) -> list[Json]:
    checks = validated.checks if validated is not None else ()
    shown = [plain_json(check) for check in checks]
    return [{name: value for name, value in one.items() if name != "elapsed_ms"} for one in shown]


def _analysis_json(record: ValidatedPlans) -> dict[str, Json]:
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


def _hypotheses_json(record: ValidatedPlans) -> list[Json]:
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


def failure(case: str, error: Exception, language: str = "en") -> dict[str, Json]:
    """The printed form of a case that could not be read, with why; there is no answer to it, not even that a person looks."""
    said = sentence_of(error)
    if not isinstance(error, BadCase):
        said = say("diagnose.broke", error=type(error).__name__, why=said)
    return {
        "case": case,
        "status": "error",
        "reason": "unreadable" if isinstance(error, BadCase) else "broke",
        "error": str(in_language(said, language_of(language))),
        "ai_analysis": {},
        "hypotheses": [],
        "recommended_action": None,
        "alternative_actions": [],
        "safety_checks": [],
        "diff": "",
        "next_steps": [],
    }

"""Pods that the API server refuses: accounts, policies, webhooks, limits, validation.

Messages: k8s.io/kubernetes limitranger, serviceaccount and podsecurity plugins, and validation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from decide.core.facts import Facts
from decide.core.families.admission.facts import DeniedRights, RefusedPods
from decide.core.families.admission.rules import quotas
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView, Event
from kfix.texts import say
from manifests.objects.meta import condition
from manifests.objects.shapes import at, number
from manifests.objects.times import instant
from manifests.objects.workloads import Workload

_ACCOUNT = re.compile(r'serviceaccounts? "(?P<name>[^"]+)" not found')
#: Event reasons of controllers whose objects are refused.
_REFUSED = ("FailedCreate", "ReplicaSetCreateError")
#: What admission plugins and validation say, the first that fits answers.
_REFUSALS = (
    ("missing_service_account", re.compile(r"error looking up service account")),
    ("quota_needs_values", re.compile(r"failed quota:")),
    ("pod_security_violation", re.compile(r"violates PodSecurity|security context constraint")),
    ("webhook_unavailable", re.compile(r"failed calling webhook|failed to call webhook")),
    (
        "webhook_refused",
        re.compile(r"admission webhook|denied the request|ValidatingAdmissionPolicy"),
    ),
    (
        "limit_range_violated",
        re.compile(r"(?:maximum|minimum) \S+ usage per |limit to request ratio"),
    ),
    ("priority_class_missing", re.compile(r"no PriorityClass with name")),
    (
        "runtime_class_missing",
        re.compile(r"RuntimeClass .*not found|runtimeclass.*not found", re.I),
    ),
    ("namespace_terminating", re.compile(r"because it is being terminated")),
    ("rbac_denied", re.compile(r"cannot (?:create|patch|update|get) resource")),
    ("pod_spec_invalid", re.compile(r"is invalid: ")),
)


def refusals(view: ClusterView, workload: Workload) -> list[str]:
    """What the API server says against this workload's pods, newest first; only while pods are missing."""
    if workload.kind == "Pod" or condition(workload.obj, "Complete").get("status") == "True":
        return []
    said = condition(workload.obj, "ReplicaFailure")
    out = [str(said.get("message"))] if said.get("status") == "True" else []
    there = (
        workload.created
        if view.collected("pods")
        else number(at(workload.obj, "status", "replicas"))
    )
    if there >= workload.desired:
        return out  # a rolling update may lack its new pods while the old ones serve
    told = view.events_of_workload(workload)
    let_in = max((_when(e) for e in told if e.reason == "SuccessfulCreate"), default=_NEVER)
    events = [e for e in told if e.reason in _REFUSED and not _got_over(e, let_in)]
    return out + [e.message for e in reversed(events)]


_NEVER = datetime.min.replace(tzinfo=UTC)
#: A controller goes on being refused within so long of the pods that were let in.
_ONE_ROLLOUT = timedelta(minutes=15)


def _when(event: Event) -> datetime:
    return instant(event.last) or _NEVER


def _got_over(event: Event, let_in: datetime) -> bool:
    """Pods were let in long after it: what keeps others out now is told anew."""
    return instant(event.last) is not None and let_in - _when(event) > _ONE_ROLLOUT


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about workloads whose pods are refused."""
    for workload in view.workloads:
        texts = refusals(view, workload)
        if texts:
            yield _refused(view, workload, texts[0])


def _refused(view: ClusterView, workload: Workload, text: str) -> Finding[Facts]:
    fact = Fact(source="event", statement=quote(text), object=workload.ref)
    over = quotas.refused(view, workload, text, fact)
    if over is not None:
        return over
    account = _ACCOUNT.search(text)
    name = account["name"] if account else ""
    if name and view.get("serviceaccounts", workload.namespace, name):
        return _not_created(workload, text, fact, 0.45, [say("admission.account.exists_now")])
    for class_id, pattern in _REFUSALS:
        if pattern.search(text):
            return Finding(
                failure_class=class_id,
                object=workload.ref,
                score=0.95,
                detail=quote(text),
                evidence=[fact],
                facts=_facts(class_id, workload, text, name),
            )
    return _not_created(workload, text, fact, 0.6, [])


def _facts(class_id: str, workload: Workload, text: str, account: str) -> Facts:
    """What the plans of the class read; who is denied a right here is a controller, no account of the workload's."""
    if class_id == "rbac_denied":
        return DeniedRights(workload=workload)
    return RefusedPods(workload=workload, message=text, account=account)


def _not_created(
    workload: Workload, text: str, fact: Fact, score: float, against: list[str]
) -> Finding[Facts]:
    return Finding(
        failure_class="pods_not_created",
        object=workload.ref,
        score=score,
        detail=quote(text),
        evidence=[fact],
        against=against,
    )

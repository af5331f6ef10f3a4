"""Safety against a cluster: the sandbox's server and the real one give its plans the same verdicts."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from kfix.incident.cluster_names import Fleet, Own
from kfix.infra.clients.kubernetes import LockProof, open_kubernetes
from manifests.proposal.propose import EditBase, EditProposal, propose_on
from manifests.refused import EditRefused
from manifests.render.plain_kustomize import BuiltIn
from manifests.repository.index import build
from manifests.repository.locate import Hints
from safety.adapters.kubernetes import KubernetesChecks
from safety.adapters.schemas import PublishedSchemas
from safety.core import Policy
from safety.ports import SafetyPorts
from safety.service.validation import examination
from schemas import errors
from schemas.base import Json, ObjectRef
from schemas.plans import (
    ActionPlan,
    CandidatePlans,
    FieldChange,
    FixKind,
    IncidentContext,
    KubernetesChange,
)
from schemas.validated import CheckResult, FileEdit, ValidatedPlans
from tests.support.kubernetes import (  # noqa: F401
    ClusterUnderTest,
    cluster,
    control_plane_with_controllers,
    deployment,
    pod,
    real_cluster,
    sandbox_cluster,
)

# ruff: noqa: F811  (fixtures are imported by name)

AT = datetime(2026, 3, 1, tzinfo=UTC)
RESOURCES = "spec.template.spec.containers[name=app].resources"
LIMITS = {"cpu": "100m", "memory": "128Mi"}


@dataclass(frozen=True)
class Files:
    """A deployment repository in memory."""

    files: Mapping[str, bytes]

    async def propose(
        self,
        changes: Sequence[KubernetesChange],
        environment: str,
        live: Mapping[str, Mapping[str, str]],
    ) -> EditProposal | EditRefused:
        base = EditBase("shop/deploy", "main", "", {})
        return propose_on(build(self.files), changes, base, Hints(environment), BuiltIn())


@pytest.fixture
async def checks(cluster: ClusterUnderTest) -> AsyncIterator[KubernetesChecks]:
    async with open_kubernetes(cluster.settings) as client:
        yield KubernetesChecks(client)


def manifest(ns: str) -> dict[str, Any]:
    body = deployment("api", resources={"limits": {**LIMITS}, "requests": {**LIMITS}})
    body["metadata"]["namespace"] = ns
    return body


def repository(body: dict[str, Any]) -> Files:
    return Files({"api.yaml": ("# ours\n" + yaml.safe_dump(body, sort_keys=False)).encode()})


def memory(ns: str, after: str, kind: FixKind = "set_memory") -> ActionPlan:
    fields = tuple(
        FieldChange(path=f"{RESOURCES}.{part}.memory", before="128Mi", after=after)
        for part in ("requests", "limits")
    )
    ref = ObjectRef(api_version="apps/v1", kind="Deployment", namespace=ns, name="api")
    return ActionPlan(
        plan_id=f"to-{after}",
        title="more memory",
        fix_kind=kind,
        confidence=0.9,
        justification="it was killed",
        kubernetes_changes=(KubernetesChange(object=ref, fields=fields),),
    )


class Held:
    """A lock that is proven."""

    def lock(self) -> LockProof:
        return LockProof("locked")


async def examined(
    files: Files, checks: Any, *plans: ActionPlan, body: Json, more: Mapping[str, Any] | None = None
) -> ValidatedPlans:
    nodes = [{"metadata": {"name": "n"}, "status": {"allocatable": {"cpu": "4", "memory": "8Gi"}}}]
    objects = {"deployments": [body], "nodes": nodes, **(more or {})}
    candidate = CandidatePlans(
        event_id="c",
        occurred_at=AT,
        incident_id="inc",
        fingerprint="fp",
        status="solution_proposed",
        context=IncidentContext(
            namespace=body["metadata"]["namespace"],
            environment="production",
            alerted_at=AT,
            objects=objects,
        ),
        plans=plans,
    )
    ports = SafetyPorts(
        files,
        checks,
        PublishedSchemas(""),
        Policy(),
        deadline_s=20.0,
        fleet=Fleet.of(Own("eu-1")),
        lock=Held(),
    )
    return (await examination(candidate, ports)).plans


def verdict(record: ValidatedPlans, name: str, plan: int = 0) -> CheckResult:
    return next(c for c in record.plans[plan].checks if c.name == name)


async def test_a_good_plan_is_accepted_in_production_and_nothing_changed(
    cluster: ClusterUnderTest, checks: KubernetesChecks
) -> None:
    ns = cluster.namespace()
    body = cluster.create("/apis/apps/v1/deployments", ns, manifest(ns))
    record = await examined(repository(manifest(ns)), checks, memory(ns, "256Mi"), body=body)
    assert record.plans[0].rejected_by == ()
    assert (record.status, record.recommended) == ("solution_proposed", "to-256Mi")
    assert verdict(record, "server_dry_run").verdict == "pass"
    path = f"/apis/apps/v1/namespaces/{ns}/deployments/api"
    assert cluster.admin("GET", path)[1]["metadata"]["generation"] == body["metadata"]["generation"]


async def test_what_an_overlay_builds_is_dry_run_and_not_the_patch(
    cluster: ClusterUnderTest, checks: KubernetesChecks
) -> None:
    ns = cluster.namespace()
    body = cluster.create("/apis/apps/v1/deployments", ns, manifest(ns))
    base = deployment("api", resources={"limits": {"cpu": "100m"}})
    base["metadata"].pop("namespace", None)
    limits = {"requests": {**LIMITS}, "limits": {**LIMITS}}
    patch: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "api"},
        "spec": {"template": {"spec": {"containers": [{"name": "app", "resources": limits}]}}},
    }
    texts = {
        "base/api.yaml": yaml.safe_dump(base),
        "base/kustomization.yaml": "resources: [api.yaml]\n",
        "prod/kustomization.yaml": f"namespace: {ns}\nresources: [../base]\npatches: [{{path: p.yaml}}]\n",
        "prod/p.yaml": yaml.safe_dump(patch),
        "staging/kustomization.yaml": "namespace: other\nresources: [../base]\n",
    }
    files = Files({path: text.encode() for path, text in texts.items()})
    record = await examined(files, checks, memory(ns, "256Mi"), body=body)
    assert [edit.path for edit in record.plans[0].edits] == ["prod/p.yaml"]
    for name in ("render", "schema", "server_dry_run"):
        assert verdict(record, name).verdict == "pass", verdict(record, name)
    said = verdict(record, "server_dry_run").numbers[f"Deployment/{ns}/api"]
    assert said == "the whole rendered object and a Pod of its template"


async def test_the_text_that_was_checked_travels_with_its_hash(
    cluster: ClusterUnderTest, checks: KubernetesChecks
) -> None:
    ns = cluster.namespace()
    body = cluster.create("/apis/apps/v1/deployments", ns, manifest(ns))
    record = await examined(repository(manifest(ns)), checks, memory(ns, "256Mi"), body=body)
    edit = record.plans[0].edits[0]
    assert edit.after_sha256 == hashlib.sha256(edit.after.encode()).hexdigest()
    assert (edit.added_lines, edit.removed_lines) == (2, 2)


async def test_the_template_s_pod_shows_a_limit_range_that_the_deployment_hides(
    cluster: ClusterUnderTest, checks: KubernetesChecks
) -> None:
    ns = cluster.namespace()
    body = cluster.create("/apis/apps/v1/deployments", ns, manifest(ns))
    item = {"type": "Container", "max": {"memory": "200Mi"}}
    limits = {"metadata": {"name": "lr"}, "spec": {"limits": [item]}}
    cluster.create("/api/v1/limitranges", ns, limits)
    record = await examined(
        repository(manifest(ns)), checks, memory(ns, "256Mi"), memory(ns, "192Mi"), body=body
    )
    dry = verdict(record, "server_dry_run")
    assert dry.verdict == "fail"
    assert "maximum memory usage per Container is 200Mi, but limit is 256Mi" in dry.reason
    assert verdict(record, "limit_range").verdict == "fail"
    assert record.recommended == "to-192Mi"


async def test_a_full_quota_fails_both_the_arithmetic_and_the_pod(
    cluster: ClusterUnderTest, checks: KubernetesChecks
) -> None:
    ns = cluster.namespace()
    body = cluster.create("/apis/apps/v1/deployments", ns, manifest(ns))
    cluster.create("/api/v1/pods", ns, pod("other", resources={"limits": LIMITS}))
    cluster.quota(ns, {"limits.memory": "200Mi"})
    # The workload rests at 0 replicas, so only its Pod meets the quota.
    record = await examined(repository(manifest(ns)), checks, memory(ns, "256Mi"), body=body)
    dry = verdict(record, "server_dry_run")
    assert dry.verdict == "fail"
    assert (
        "exceeded quota: q, requested: limits.memory=256Mi, used: limits.memory=128Mi" in dry.reason
    )
    assert (record.status, record.reason) == ("needs_human", "no_safe_plan")
    running = {**body, "spec": {**body["spec"], "replicas": 1}}
    again = await examined(repository(manifest(ns)), checks, memory(ns, "256Mi"), body=running)
    assert verdict(again, "resource_quota").verdict == "fail"


async def test_a_document_with_a_field_nobody_knows_is_refused(
    cluster: ClusterUnderTest, checks: KubernetesChecks
) -> None:
    ns = cluster.namespace()
    body = cluster.create("/apis/apps/v1/deployments", ns, manifest(ns))
    typo = manifest(ns)
    typo["spec"]["replcas"] = 3
    record = await examined(repository(typo), checks, memory(ns, "256Mi"), body=body)
    assert verdict(record, "schema").verdict == "fail"
    assert verdict(record, "server_dry_run").verdict == "fail"
    assert record.recommended == ""


async def test_an_object_that_is_gone_fails_instead_of_being_created(
    cluster: ClusterUnderTest, checks: KubernetesChecks
) -> None:
    ns = cluster.namespace()
    body = manifest(ns)
    record = await examined(repository(body), checks, memory(ns, "256Mi"), body=body)
    dry = verdict(record, "server_dry_run")
    assert (dry.verdict, dry.reason) == ("fail", f"Deployment/{ns}/api is not in the cluster")
    assert record.recommended == ""


class Deaf:
    """A cluster that answers nothing."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    async def bounds(self, namespaces: Sequence[str]) -> Mapping[str, Sequence[Json]]:
        raise self._failure

    async def dry_run(
        self,
        changes: Sequence[KubernetesChange],
        edits: Sequence[FileEdit],
        rendered: Mapping[str, Json],
    ) -> CheckResult:
        raise self._failure


@pytest.mark.parametrize(
    "failure",
    [
        errors.Unavailable("down"),
        errors.TimedOut("slow"),
        errors.Unauthorized("no"),
        TimeoutError(),
    ],
)
async def test_a_cluster_that_does_not_answer_leaves_nothing_safe_in_production(
    failure: Exception,
) -> None:
    """Bounds collected with the alert do not stand in: by now they may be full."""
    body = manifest("shop")
    stale = {
        kind: []
        for kind in (
            "resourcequotas",
            "limitranges",
            "horizontalpodautoscalers",
            "poddisruptionbudgets",
        )
    }
    plan = memory("shop", "256Mi")
    record = await examined(repository(body), Deaf(failure), plan, body=body, more=stale)
    assert record.recommended == ""
    for name in ("server_dry_run", "resource_quota", "limit_range", "disruption_budget"):
        assert verdict(record, name).verdict == "unknown", name

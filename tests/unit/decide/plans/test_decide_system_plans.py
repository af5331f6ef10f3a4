"""What is drafted for the cluster's DNS, for schedulers that nobody runs, and for certificates that are not there."""

from __future__ import annotations

from typing import Any

from decide.core.families.certificates import plans as certificates
from decide.core.families.certificates.facts import AbsentSecret
from decide.core.families.nodes import plans as nodes
from decide.core.families.nodes.facts import UnknownScheduler
from decide.core.families.system import plans as system
from decide.core.families.system.facts import SilentDns
from schemas.base import ObjectRef
from tests.support.decide.drafted import BACK, changed_lately, drafted, pod_spec, shop


def _dns(owner: dict[str, Any] | None) -> list[str]:
    ref = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="kube-system", name="dns")
    return drafted(system.names, shop(), lambda *_: SilentDns(owner=owner), at=ref)


def test_a_dns_without_replicas_gets_two() -> None:
    assert _dns({"metadata": {"name": "dns"}, "spec": {"replicas": 0}}) == [
        "set_replicas 0.85 system.dns.title",
        "  why system.dns.why detail=seen",
        "  risk system.dns.risk",
        "  apps/v1 Deployment/kube-system/dns spec.replicas: 0 → 2",
    ]


def test_a_dns_with_replicas_or_without_a_number_or_that_is_unknown_is_left_alone() -> None:
    assert _dns({"spec": {"replicas": 1}}) == []
    assert _dns({"spec": {}}) == []
    assert _dns(None) == []


def test_a_scheduler_that_nobody_runs_becomes_the_clusters_own() -> None:
    cluster = shop()
    pod_spec(cluster)["schedulerName"] = "batch"
    changed_lately(cluster)
    assert drafted(nodes.scheduler, cluster, lambda w, _: UnknownScheduler(workload=w)) == [
        *BACK,
        "set_scheduling 0.8 nodes.scheduler.title",
        "  why drafting.because detail=seen",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :schedulerName: "batch" → "default-scheduler"',
    ]


def _tls(near: str, index: int = 1) -> list[str]:
    ingress = {
        "metadata": {"name": "front", "namespace": "shop"},
        "spec": {"tls": [{"secretName": "one"}, {"secretName": "two"}]},
    }
    ref = ObjectRef(
        api_version="networking.k8s.io/v1", kind="Ingress", namespace="shop", name="front"
    )
    return drafted(
        certificates.tls_secret,
        shop(),
        lambda *_: AbsentSecret(ingress=ingress, index=index, name="two", near=near),
        at=ref,
    )


def test_the_secret_of_the_nearest_name_is_named_in_its_place() -> None:
    assert _tls("twin") == [
        "set_reference 0.75 certificates.secret.title near=twin",
        "  why drafting.near_exists detail=seen near=twin",
        "  risk certificates.secret.no_proof",
        "  time drafting.time.seconds",
        '  networking.k8s.io/v1 Ingress/shop/front spec.tls[1].secretName: "two" → "twin"',
    ]


def test_no_secret_is_named_where_none_is_near() -> None:
    assert _tls("") == []

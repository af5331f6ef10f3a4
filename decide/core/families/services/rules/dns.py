"""How pods resolve names: ``dnsPolicy`` and ``dnsConfig`` against the cluster's DNS.

Source: kubernetes.io "DNS for Services and Pods".
"""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.families.services.facts import DnsSettings
from decide.core.findings import Fact, Finding, quote
from decide.core.signals import SignalHit
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of
from manifests.objects.shapes import at, items
from manifests.objects.workloads import Workload


def find(view: ClusterView) -> Iterator[Finding[DnsSettings]]:
    """Findings about DNS settings, at the workload that has them."""
    for workload in view.workloads:
        yield from _dns(view, workload)


def cluster_servers(view: ClusterView) -> list[str]:
    """Addresses of the cluster's DNS."""
    return [
        str(at(service, "spec", "clusterIP"))
        for service in view.inside("services", "kube-system")
        if "dns" in name_of(service)
    ]


def _dns(view: ClusterView, workload: Workload) -> Iterator[Finding[DnsSettings]]:
    errors = [h for h in view.hits(workload) if h.signal == "unknown_host"]
    known = [h for h in errors if _exists(view, workload, h)]
    found = DnsSettings(
        workload=workload,
        policy=str(workload.spec.get("dnsPolicy") or "ClusterFirst"),
        servers=tuple(str(s) for s in items(at(workload.spec, "dnsConfig", "nameservers"))),
    )
    if _leaves_the_cluster(view, found):
        sick = not workload.available or bool(errors)
        yield _finding(
            found, _settings(found), 0.55 + 0.25 * sick + 0.15 * bool(errors), known or errors
        )
    elif known and _as_its_node(workload, found):
        text = say("services.dns.as_node", workload=workload.ref.key, policy=found.policy)
        yield _finding(found, text, 0.75 + 0.2 * (not workload.available), known)
    elif known and not workload.available:
        yield _finding(found, quote(known[-1].line), 0.5, known)


def _exists(view: ClusterView, workload: Workload, hit: SignalHit) -> bool:
    """The name that did not resolve is one of the cluster."""
    name = hit.subject.split(".")[0]
    return bool(name) and (
        view.resolve(workload.namespace, name) is not None
        or view.get("services", workload.namespace, name) is not None
    )


def _leaves_the_cluster(view: ClusterView, found: DnsSettings) -> bool:
    if found.policy == "None":
        return not set(found.servers) & set(cluster_servers(view))
    return found.policy == "Default"


def _as_its_node(workload: Workload, found: DnsSettings) -> bool:
    """Pods with their node's network ask its servers, unless their policy says otherwise."""
    return workload.spec.get("hostNetwork") is True and found.policy == "ClusterFirst"


def _settings(found: DnsSettings) -> str:
    if not found.servers:
        return say("services.dns.policy", policy=found.policy)
    return say("services.dns.policy_and_servers", policy=found.policy, servers=found.servers)


def _finding(
    found: DnsSettings, detail: str, score: float, errors: list[SignalHit]
) -> Finding[DnsSettings]:
    ref, host = found.workload.ref, _as_its_node(found.workload, found)
    return Finding(
        failure_class="dns_config_broken",
        object=ref,
        score=score,
        detail=detail,
        evidence=[
            Fact(source="object", statement=_settings(found), object=ref),
            *([Fact(source="object", statement=detail, object=ref)] if host else []),
            *(Fact(source="log", statement=quote(h.line), object=ref) for h in errors[-1:]),
        ],
        facts=found,
    )

"""Traffic that a NetworkPolicy stops: every known connection is tried against the policies of both ends."""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.findings import Fact, Finding, quote
from decide.core.graph import reachable
from decide.core.links import Link, links, peer_of, troubles
from decide.core.netpol import Direction, Peer, directions, passes, selecting
from decide.core.objects import Obj, Workload, at, items, name_of, namespace_of
from decide.core.selectors import selects, stated
from decide.core.view import ClusterView
from schemas.base import ObjectRef

#: What a dropped packet looks like to the caller; a refusal comes from somebody who got the packet.
_SILENCE = (
    "timeout",
    "db_link_failure",
    "broker_down",
    "cache_down",
    "mesh_flag",
    "upstream_error",
)


def find(view: ClusterView) -> Iterator[Finding]:
    """Findings about policies, at the workload that the closing policy selects."""
    if not view.all("networkpolicies"):
        return
    blocked: set[str] = set()
    for link in links(view):
        for finding in _link(view, link):
            blocked.add(finding.object.key)
            yield finding
    for workload in view.workloads:
        yield from _names_closed(view, workload)
        if workload.ref.key not in blocked:
            yield from _closed(view, workload)


def _link(view: ClusterView, link: Link) -> Iterator[Finding]:
    caller, callee = peer_of(link.caller), peer_of(link.callee)
    sides: tuple[tuple[Direction, Workload, Peer, Peer], ...] = (
        ("ingress", link.callee, callee, caller),
        ("egress", link.caller, caller, callee),
    )
    for direction, owner, own, other in sides:
        closing = selecting(view, own, direction)
        if closing and not passes(view, closing, direction, other, link.pod_port, listener=callee):
            yield _blocked(view, link, direction, owner, closing)


def _blocked(
    view: ClusterView, link: Link, direction: Direction, owner: Workload, closing: list[Obj]
) -> Finding:
    names = ", ".join(name_of(p) for p in closing)
    verb = "from" if direction == "ingress" else "to"
    peer = link.caller if direction == "ingress" else link.callee
    port = f" at port {link.pod_port}" if link.pod_port else ""
    text = f"NetworkPolicy {names} closes {direction} of {owner.ref.key} and allows nothing {verb} {peer.ref.key}{port}"
    told = troubles(view, link, *_SILENCE)
    silent = [h for h in view.hits(link.caller) if h.signal in _SILENCE]
    tested = reachable(view, link.service) is False
    score = 0.4
    if told:
        score = 0.95
    elif silent or tested:
        score = 0.85
    elif not link.caller.available:
        score = 0.7
    if link.callee.ready == 0 and not told:
        score = min(score, 0.5)  # a dead callee is silent too
    facts = [Fact(source="object", statement=text, object=_ref(closing[0]))]
    facts += [
        Fact(source="log", statement=quote(h.line), object=link.caller.ref)
        for h in (told or silent)[-2:]
    ]
    data = {
        "workload": owner,
        "policies": closing,
        "direction": direction,
        "peer": peer,
        "port": link.pod_port,
    }
    against = [] if told or silent or tested else ["nobody complains about this connection"]
    return Finding(
        failure_class="network_policy_blocks",
        object=owner.ref,
        score=score,
        detail=text,
        evidence=facts,
        against=against,
        facts=data,
    )


def _names_closed(view: ClusterView, workload: Workload) -> Iterator[Finding]:
    """An egress policy that lets nobody ask the cluster's DNS."""
    own = peer_of(workload)
    closing = selecting(view, own, "egress")
    if not closing:
        return
    dns = Peer("kube-system", {"k8s-app": "kube-dns"}, "", (("dns", 53), ("dns-tcp", 53)))
    for service in view.all("services"):
        if namespace_of(service) == "kube-system" and "dns" in name_of(service):
            dns = Peer("kube-system", at(service, "spec", "selector") or dns.labels, "", dns.ports)
    if passes(view, closing, "egress", dns, 53, protocol="UDP"):
        return
    hits = [h for h in view.hits(workload) if h.signal == "unknown_host"]
    score = 0.93 if hits else 0.72 if not workload.available else 0.35
    text = f"NetworkPolicy {', '.join(map(name_of, closing))} closes egress of {workload.ref.key} and does not allow DNS (port 53)"
    facts = [Fact(source="object", statement=text, object=_ref(closing[0]))]
    facts += [Fact(source="log", statement=quote(h.line), object=workload.ref) for h in hits[-1:]]
    data = {"workload": workload, "policies": closing, "direction": "egress", "dns": True}
    yield Finding(
        failure_class="network_policy_blocks",
        object=workload.ref,
        score=score,
        detail=text,
        evidence=facts,
        against=[],
        facts=data,
    )


def _closed(view: ClusterView, workload: Workload) -> Iterator[Finding]:
    """Nobody may come in at all, though a Service leads there."""
    services = view.services_of.get(workload.ref.key, [])
    for policy in view.all("networkpolicies"):
        if namespace_of(policy) != workload.namespace or not services:
            continue
        if not selects(at(policy, "spec", "podSelector") or {}, peer_of(workload).labels):
            continue
        if "ingress" not in directions(policy) or items(at(policy, "spec", "ingress")):
            continue
        tested = workload.ready > 0 and any(reachable(view, s) is False for s in services)
        narrow = stated(at(policy, "spec", "podSelector"))
        subject = view.bundle.k8s_context.subject
        asked = workload.name in view.mentioned or (
            subject is not None and subject.name == workload.name
        )
        text = f"NetworkPolicy {name_of(policy)} selects {workload.ref.key} and allows no ingress"
        score = 0.85 if tested else (0.64 if asked and workload.ready else 0.45) if narrow else 0.3
        yield Finding(
            failure_class="network_policy_blocks",
            object=workload.ref,
            score=score,
            detail=text,
            evidence=[Fact(source="object", statement=text, object=_ref(policy))],
            against=[],
            facts={"workload": workload, "policies": [policy], "direction": "ingress"},
        )
        return


def _ref(policy: Obj) -> ObjectRef:
    return ObjectRef(
        api_version="networking.k8s.io/v1",
        kind="NetworkPolicy",
        namespace=namespace_of(policy),
        name=name_of(policy),
    )

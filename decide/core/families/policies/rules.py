"""Traffic that a NetworkPolicy stops: every known connection is tried against the policies of both ends."""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.families.policies.facts import ClosedTraffic
from decide.core.findings import Fact, Finding, quote
from decide.core.graph import reachable
from decide.core.links import Link, links, peer_of, troubles
from decide.core.netpol import Direction, Peer, directions, passes, selecting
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.selectors import selects, stated
from manifests.objects.shapes import Obj, at, items
from manifests.objects.workloads import Workload
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


def find(view: ClusterView) -> Iterator[Finding[ClosedTraffic]]:
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


def _link(view: ClusterView, link: Link) -> Iterator[Finding[ClosedTraffic]]:
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
) -> Finding[ClosedTraffic]:
    told = troubles(view, link, *_SILENCE)
    silent = [h for h in view.hits(link.caller) if h.signal in _SILENCE]
    tested = reachable(view, link.service) is False
    text = _closes(link, direction, owner, closing)
    logs = [
        Fact(source="log", statement=quote(h.line), object=link.caller.ref)
        for h in (told or silent)[-2:]
    ]
    complained = bool(told or silent or tested)
    return Finding(
        failure_class="network_policy_blocks",
        object=owner.ref,
        score=_belief(link, told=bool(told), missed=complained),
        detail=text,
        evidence=[Fact(source="object", statement=text, object=_ref(closing[0])), *logs],
        against=[] if complained else [say("policies.nobody_complains")],
        facts=ClosedTraffic(
            workload=owner,
            policies=tuple(closing),
            direction=direction,
            peer=link.caller if direction == "ingress" else link.callee,
            port=link.pod_port or None,
        ),
    )


def _closes(link: Link, direction: Direction, owner: Workload, closing: list[Obj]) -> str:
    """What the policies stop, and at which port where that is known."""
    names = [name_of(policy) for policy in closing]
    if direction == "ingress":
        if link.pod_port:
            return say(
                "policies.ingress_port",
                policies=names,
                workload=owner.ref.key,
                peer=link.caller.ref.key,
                port=link.pod_port,
            )
        return say(
            "policies.ingress",
            policies=names,
            workload=owner.ref.key,
            peer=link.caller.ref.key,
        )
    if link.pod_port:
        return say(
            "policies.egress_port",
            policies=names,
            workload=owner.ref.key,
            peer=link.callee.ref.key,
            port=link.pod_port,
        )
    return say("policies.egress", policies=names, workload=owner.ref.key, peer=link.callee.ref.key)


def _belief(link: Link, *, told: bool, missed: bool) -> float:
    """The score of a closed link: the caller names it, or misses something, or is just not well."""
    if told:
        return 0.95
    score = 0.85 if missed else 0.4 if link.caller.available else 0.7
    return min(score, 0.5) if link.callee.ready == 0 else score  # a dead callee is silent too


def _names_closed(view: ClusterView, workload: Workload) -> Iterator[Finding[ClosedTraffic]]:
    """An egress policy that lets nobody ask the cluster's DNS."""
    closing = selecting(view, peer_of(workload), "egress")
    if not closing or passes(view, closing, "egress", dns_peer(view), 53, protocol="UDP"):
        return
    hits = [h for h in view.hits(workload) if h.signal == "unknown_host"]
    text = say("policies.no_dns", policies=[name_of(p) for p in closing], workload=workload.ref.key)
    yield Finding(
        failure_class="network_policy_blocks",
        object=workload.ref,
        score=0.93 if hits else 0.72 if not workload.available else 0.35,
        detail=text,
        evidence=[
            Fact(source="object", statement=text, object=_ref(closing[0])),
            *(Fact(source="log", statement=quote(h.line), object=workload.ref) for h in hits[-1:]),
        ],
        facts=ClosedTraffic(
            workload=workload, policies=tuple(closing), direction="egress", dns=True
        ),
    )


def dns_peer(view: ClusterView) -> Peer:
    """The cluster's DNS as a peer: by the labels that its Service selects, else by the usual ones."""
    dns = Peer("kube-system", {"k8s-app": "kube-dns"}, "", (("dns", 53), ("dns-tcp", 53)))
    for service in view.all("services"):
        if namespace_of(service) == "kube-system" and "dns" in name_of(service):
            dns = Peer("kube-system", at(service, "spec", "selector") or dns.labels, "", dns.ports)
    return dns


def _closed(view: ClusterView, workload: Workload) -> Iterator[Finding[ClosedTraffic]]:
    """Nobody may come in at all, though a Service leads there."""
    services = view.services_of.get(workload.ref.key, [])
    policy = next((p for p in view.all("networkpolicies") if _lets_nobody_in(p, workload)), None)
    if policy is None or not services:
        return
    tested = workload.ready > 0 and any(reachable(view, s) is False for s in services)
    score = 0.3
    if tested:
        score = 0.85
    elif stated(at(policy, "spec", "podSelector")):
        score = 0.64 if _asked_about(view, workload) and workload.ready else 0.45
    text = say("policies.no_ingress", policy=name_of(policy), workload=workload.ref.key)
    yield Finding(
        failure_class="network_policy_blocks",
        object=workload.ref,
        score=score,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=_ref(policy))],
        facts=ClosedTraffic(workload=workload, policies=(policy,), direction="ingress"),
    )


def _lets_nobody_in(policy: Obj, workload: Workload) -> bool:
    """It selects the workload, and has no rule for ingress."""
    return (
        namespace_of(policy) == workload.namespace
        and selects(at(policy, "spec", "podSelector") or {}, peer_of(workload).labels)
        and "ingress" in directions(policy)
        and not items(at(policy, "spec", "ingress"))
    )


def _asked_about(view: ClusterView, workload: Workload) -> bool:
    """The alert names the workload."""
    subject = view.bundle.k8s_context.subject
    named = subject is not None and subject.name == workload.name
    return named or workload.name in view.mentioned


def _ref(policy: Obj) -> ObjectRef:
    return ObjectRef(
        api_version="networking.k8s.io/v1",
        kind="NetworkPolicy",
        namespace=namespace_of(policy),
        name=name_of(policy),
    )

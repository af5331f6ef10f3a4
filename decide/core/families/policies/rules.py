"""Traffic that a NetworkPolicy stops: every known connection is tried against the policies of both ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from decide.core.families.policies.facts import ClosedTraffic, policy_ref
from decide.core.families.policies.slips import slips
from decide.core.findings import Fact, Finding, quote
from decide.core.graph import addresses_of, reachable, service_name
from decide.core.links import TROUBLE, Link, links, peer_of, troubles
from decide.core.netpol import (
    Direction,
    Peer,
    admits_somebody,
    dns_of,
    passes,
    selecting,
)
from decide.core.signals import SignalHit
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of
from manifests.objects.selectors import stated
from manifests.objects.shapes import Obj, at
from manifests.objects.workloads import Workload

#: What a dropped packet looks like to the caller. A refusal comes from somebody who got the packet, or from a plugin
#: that rejects instead of dropping.
_SILENCE = (
    "timeout",
    "db_link_failure",
    "broker_down",
    "cache_down",
    "mesh_flag",
    "upstream_error",
)
_REFUSED = ("connection_refused", "reset")
#: What an alert says of callers that get no answer.
_UNANSWERED = re.compile(
    r"error|fail|5xx|\b50[0-9]\b|unavailable|unreachable|time.?out|timed out|refus|connect|latency|slow",
    re.I,
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
        yield from _outside_closed(view, workload)
        if workload.ref.key not in blocked:
            yield from _closed(view, workload)


def _closing(view: ClusterView, workload: Workload, direction: Direction) -> list[Obj]:
    """Policies that close a direction; pods on their node's own network are beyond them."""
    on_node = workload.spec.get("hostNetwork") is True
    return [] if on_node else selecting(view, peer_of(workload), direction)


def _link(view: ClusterView, link: Link) -> Iterator[Finding[ClosedTraffic]]:
    caller, callee = peer_of(link.caller), peer_of(link.callee)
    sides: tuple[tuple[Direction, Workload, Peer], ...] = (
        ("ingress", link.callee, caller),
        ("egress", link.caller, callee),
    )
    for direction, owner, other in sides:
        closing = _closing(view, owner, direction)
        if closing and not passes(view, closing, direction, other, link.pod_port, listener=callee):
            yield _blocked(view, link, direction, owner, closing)


def _blocked(
    view: ClusterView, link: Link, direction: Direction, owner: Workload, closing: list[Obj]
) -> Finding[ClosedTraffic]:
    heard = _heard(view, link)
    text = _closes(link, direction, owner, closing)
    logs = [
        Fact(source="log", statement=quote(h.line), object=link.caller.ref)
        for h in heard.lines[-2:]
    ]
    alone = not admits_somebody(view, closing, direction)
    evidence = [Fact(source="object", statement=text, object=policy_ref(closing[0])), *logs]
    if alone:
        nobody = say("policies.admits_nobody", policies=[name_of(p) for p in closing])
        evidence.insert(1, Fact(source="object", statement=nobody, object=policy_ref(closing[0])))
    return Finding(
        failure_class="network_policy_blocks",
        object=owner.ref,
        score=heard.belief(link, alone=alone),
        detail=text,
        evidence=evidence,
        against=[] if heard.complained else [say("policies.nobody_complains")],
        facts=ClosedTraffic(
            workload=owner,
            policies=tuple(closing),
            direction=direction,
            peer=link.caller if direction == "ingress" else link.callee,
            port=link.pod_port or None,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """What is known of a link's trouble besides the policies."""

    #: The caller's lines: silence at this callee, refusals by it, silence of nobody in particular.
    told: list[SignalHit]
    refused: list[SignalHit]
    silent: list[SignalHit]
    #: A connectivity test failed.
    tested: bool
    #: The alert is about errors of one of the two.
    alerted: bool
    #: The caller's log was read.
    read: bool

    @property
    def lines(self) -> list[SignalHit]:
        """The most telling ones."""
        return self.told or self.refused or self.silent

    @property
    def complained(self) -> bool:
        """Somebody misses an answer."""
        return bool(self.lines or self.tested or self.alerted)

    def belief(self, link: Link, *, alone: bool) -> float:
        """The score. ``alone``: the policies admit nobody who is there, so that the wish for one was a slip."""
        if self.told:
            return 0.95
        if self.refused:
            score = 0.9 if alone else 0.7
        elif self.silent or self.tested:
            score = 0.85
        elif not link.caller.available:
            score = 0.8 if alone else 0.7
        elif self.alerted:
            score = 0.8 if alone else 0.62
        else:
            score = 0.55 if alone and not self.read else 0.4
        return min(score, 0.5) if link.callee.ready == 0 else score  # a dead callee is silent too


def _heard(view: ClusterView, link: Link) -> _Heard:
    alert = view.bundle.alert
    names = {link.caller.name, link.callee.name, name_of(link.service)} & view.alerted
    return _Heard(
        told=troubles(view, link, *_SILENCE),
        refused=troubles(view, link, *_REFUSED),
        silent=[h for h in view.hits(link.caller) if h.signal in _SILENCE],
        tested=reachable(view, link.service) is False,
        alerted=view.firing
        and bool(names and _UNANSWERED.search(f"{alert.title} {alert.rule.query}")),
        read=bool(view.logs_of(link.caller)),
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


#: A look-up that nobody answered.
_LOOKUP = re.compile(r"look ?up|resol|getaddrinfo|:53\b", re.I)


def _names_closed(view: ClusterView, workload: Workload) -> Iterator[Finding[ClosedTraffic]]:
    """An egress policy that lets nobody ask the cluster's DNS."""
    closing = _closing(view, workload, "egress")
    if not closing or passes(view, closing, "egress", dns_of(view), 53, protocol="UDP"):
        return
    hits = [
        h
        for h in view.hits(workload)
        if h.signal == "unknown_host" or (h.signal == "timeout" and _LOOKUP.search(h.line))
    ]
    text = say("policies.no_dns", policies=[name_of(p) for p in closing], workload=workload.ref.key)
    yield Finding(
        failure_class="network_policy_blocks",
        object=workload.ref,
        score=0.93 if hits else 0.72 if not workload.available else 0.35,
        detail=text,
        evidence=[
            Fact(source="object", statement=text, object=policy_ref(closing[0])),
            *(Fact(source="log", statement=quote(h.line), object=workload.ref) for h in hits[-1:]),
        ],
        facts=ClosedTraffic(
            workload=workload, policies=tuple(closing), direction="egress", dns=True
        ),
    )


def _outside_closed(view: ClusterView, workload: Workload) -> Iterator[Finding[ClosedTraffic]]:
    """An egress policy without any way out, while a host outside of the cluster does not answer."""
    closing = _closing(view, workload, "egress")
    if not closing or passes(view, closing, "egress", Peer("", {}), None):
        return
    hosts = {a.host for a in addresses_of(view, workload) if _outside(view, workload, a.host)}
    told = [
        h for h in view.hits(workload) if h.signal in TROUBLE and any(x in h.line for x in hosts)
    ]
    if not told:
        return
    host = next(x for x in sorted(hosts) if x in told[-1].line)
    names = [name_of(policy) for policy in closing]
    text = say("policies.no_way_out", policies=names, workload=workload.ref.key, host=host)
    yield Finding(
        failure_class="network_policy_blocks",
        object=workload.ref,
        score=0.88,
        detail=text,
        evidence=[
            Fact(source="object", statement=text, object=policy_ref(closing[0])),
            Fact(source="log", statement=quote(told[-1].line), object=workload.ref),
        ],
        facts=ClosedTraffic(workload=workload, policies=tuple(closing), direction="egress"),
    )


def _outside(view: ClusterView, workload: Workload, host: str) -> bool:
    """A name of the world: with a dot, and no Service of the cluster."""
    name, _, space = host.partition(".")
    inside = service_name(host, workload.namespace) is not None
    return bool(space) and not inside and view.get("services", space, name) is None


def _closed(view: ClusterView, workload: Workload) -> Iterator[Finding[ClosedTraffic]]:
    """Nobody who is there may come in at all, though a Service leads there."""
    services = view.services_of.get(workload.ref.key, [])
    closing = _closing(view, workload, "ingress")
    if not closing or not services or admits_somebody(view, closing, "ingress"):
        return
    policy = next((p for p in closing if stated(at(p, "spec", "podSelector"))), closing[0])
    peer = _nearly_let_in(view, workload, closing)
    text = say("policies.no_ingress", policy=name_of(policy), workload=workload.ref.key)
    yield Finding(
        failure_class="network_policy_blocks",
        object=workload.ref,
        score=_unasked(view, workload, policy, services, slipped=peer is not None),
        detail=text,
        evidence=[Fact(source="object", statement=text, object=policy_ref(policy))],
        facts=ClosedTraffic(
            workload=workload,
            policies=tuple(closing),
            direction="ingress",
            peer=peer,
            guessed=peer is not None,
        ),
    )


def _unasked(
    view: ClusterView, workload: Workload, policy: Obj, services: list[Obj], *, slipped: bool
) -> float:
    """The score where nobody is known to call."""
    if workload.ready > 0 and any(reachable(view, s) is False for s in services):
        return 0.85
    if not stated(at(policy, "spec", "podSelector")):
        return 0.3
    if not _asked_about(view, workload) or not workload.ready:
        return 0.45
    return 0.8 if slipped and _UNANSWERED.search(view.bundle.alert.title) else 0.64


def _nearly_let_in(view: ClusterView, workload: Workload, closing: list[Obj]) -> Workload | None:
    """The only workload that the policies would let in but for a slip."""
    found = [
        other
        for other in view.workloads
        if other is not workload
        and slips(
            view,
            ClosedTraffic(
                workload=workload, policies=tuple(closing), direction="ingress", peer=other
            ),
        )
    ]
    return found[0] if len(found) == 1 else None


def _asked_about(view: ClusterView, workload: Workload) -> bool:
    """The alert names the workload."""
    subject = view.bundle.k8s_context.subject
    named = subject is not None and subject.name == workload.name
    return named or workload.name in view.mentioned

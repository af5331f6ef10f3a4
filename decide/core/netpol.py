"""NetworkPolicies as the network plugin reads them: does traffic from one pod to another pass? Pure.

Source: kubernetes.io Network Policies and k8s.io/api networking/v1: policies are additive, a pod that no policy of a
direction selects is open in it, an empty peer or port list allows all.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from decide.core.view import ClusterView
from manifests.objects.meta import labels_of, name_of, namespace_of
from manifests.objects.selectors import selects
from manifests.objects.shapes import Obj, at, items, mapping, number

Direction = Literal["ingress", "egress"]


@dataclass(frozen=True, slots=True)
class Peer:
    """One end of a connection; outside of the cluster without a namespace. ``ports`` are its container ports by name, for rules that name a port."""

    namespace: str
    labels: Obj
    ip: str = ""
    ports: tuple[tuple[str, int], ...] = ()


def directions(policy: Obj) -> set[str]:
    """``ingress`` and ``egress`` as far as the policy is about them."""
    spec = mapping(policy.get("spec"))
    types = [str(t).lower() for t in items(spec.get("policyTypes"))]
    return set(types) or ({"ingress", "egress"} if "egress" in spec else {"ingress"})


def selecting(view: ClusterView, peer: Peer, direction: Direction) -> list[Obj]:
    """Policies that close a direction of a pod."""
    return [
        p
        for p in view.all("networkpolicies")
        if namespace_of(p) == peer.namespace
        and direction in directions(p)
        and selects(at(p, "spec", "podSelector") or {}, peer.labels)
    ]


def passes(
    view: ClusterView,
    policies: Iterable[Obj],
    direction: Direction,
    other: Peer,
    port: int | None,
    *,
    protocol: str = "TCP",
    listener: Peer | None = None,
) -> bool:
    """Whether any of the policies lets ``other`` through to (or, for egress, be reached at) ``port``."""
    for policy in policies:
        for rule in items(at(policy, "spec", direction)):
            peers = rule_peers(mapping(rule), "from" if direction == "ingress" else "to")
            if not port_fits(mapping(rule), port, protocol, listener or other):
                continue
            if not peers or any(suits(view, p, policy, other) for p in peers):
                return True
    return False


def rule_peers(rule: Obj, key: str) -> list[Obj]:
    """The peers of a rule, under ``from`` or ``to``; none are all."""
    return [mapping(p) for p in items(rule.get(key))]


def present(view: ClusterView) -> list[Peer]:
    """Pods that are there, or that a template would make: one for each namespace and set of labels."""

    def make() -> list[Peer]:
        found = {(namespace_of(p), repr(labels_of(p))): labels_of(p) for p in view.all("pods")}
        found |= {(w.namespace, repr(w.labels)): w.labels for w in view.workloads}
        return [Peer(space, labels) for (space, _), labels in found.items()]

    return view.memo("present pods", make)


def admits_somebody(view: ClusterView, policies: Iterable[Obj], direction: Direction) -> bool:
    """Any rule of the policies is for somebody who is there, or who may be: outside, or where nobody looked."""
    looked = {namespace_of(p) for p in view.all("pods")}
    key = "from" if direction == "ingress" else "to"
    for policy in policies:
        for rule in map(mapping, items(at(policy, "spec", direction))):
            peers = rule_peers(rule, key)
            if not peers or any("ipBlock" in p for p in peers):
                return True
            if any(suits(view, p, policy, one) for p in peers for one in present(view)):
                return True
            if any(_unseen(view, p, looked) for p in peers):
                return True
    return False


def _unseen(view: ClusterView, peer: Obj, looked: set[str]) -> bool:
    """It is for a namespace whose pods were not collected."""
    spaces = peer.get("namespaceSelector")
    every = {name_of(n) for n in view.all("namespaces")}
    there = [n for n in every if spaces is not None and selects(spaces, namespace_labels(view, n))]
    return (spaces is not None and not every) or any(n not in looked for n in there)


def dns_labels(view: ClusterView) -> Obj:
    """Labels by which the cluster's DNS Service selects its pods; empty where it was not collected."""
    services = view.inside("services", "kube-system")
    found = [mapping(s, "spec", "selector") for s in services if "dns" in name_of(s)]
    return found[-1] if found else {}


def dns_of(view: ClusterView) -> Peer:
    """The cluster's DNS as a peer: by the labels that its Service selects, else by the usual ones."""
    labels = dns_labels(view) or {"k8s-app": "kube-dns"}
    return Peer("kube-system", labels, "", (("dns", 53), ("dns-tcp", 53)))


def port_fits(rule: Obj, port: int | None, protocol: str, listener: Peer) -> bool:
    """Whether the rule is for the port; a name is one of the listener's ports."""
    wanted = [mapping(p) for p in items(rule.get("ports"))]
    if not wanted or port is None:
        return True
    for entry in wanted:
        if str(entry.get("protocol") or "TCP") != protocol:
            continue
        value = entry.get("port")
        if isinstance(value, str) and not value.isdigit():
            value = dict(listener.ports).get(value)
            if value is None:
                continue
        if value is None or number(value) <= port <= number(entry.get("endPort"), number(value)):
            return True
    return False


def suits(view: ClusterView, wanted: Obj, policy: Obj, peer: Peer) -> bool:
    """Whether a peer of a policy's rule is this one."""
    if "ipBlock" in wanted:
        return _in_block(mapping(wanted["ipBlock"]), peer.ip)
    if not peer.namespace:
        return False
    spaces = wanted.get("namespaceSelector")
    if spaces is None:
        if peer.namespace != namespace_of(policy):
            return False
    elif not selects(spaces, namespace_labels(view, peer.namespace)):
        return False
    pods = wanted.get("podSelector")
    return pods is None or selects(pods, peer.labels)


def _in_block(block: Obj, ip: str) -> bool:
    cidr = str(block.get("cidr") or "")
    if not ip:
        return cidr.endswith("/0")
    try:
        address = ipaddress.ip_address(ip)
        inside = address in ipaddress.ip_network(cidr, strict=False)
        return inside and not any(
            address in ipaddress.ip_network(str(e), strict=False)
            for e in items(block.get("except"))
        )
    except ValueError:
        return False


def namespace_labels(view: ClusterView, namespace: str) -> Obj:
    """A namespace's labels, with the one that the API server always sets."""
    found = next((n for n in view.all("namespaces") if name_of(n) == namespace), {})
    return {"kubernetes.io/metadata.name": namespace, **labels_of(found)}

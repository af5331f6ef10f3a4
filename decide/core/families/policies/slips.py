"""A rule that was meant for this traffic and misses it by one word: a label, a port, a namespace, what the policy selects. Pure.

Only what fits no pod that is there is taken for a slip: a rule that lets somebody in is meant for that one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from decide.core.drafting.drafts import exchange
from decide.core.families.policies.facts import ClosedTraffic
from decide.core.links import peer_of
from decide.core.names import alike
from decide.core.netpol import (
    Direction,
    Peer,
    directions,
    dns_of,
    namespace_labels,
    passes,
    port_fits,
    present,
    rule_peers,
    suits,
)
from decide.core.view import ClusterView
from manifests.objects.meta import namespace_of
from manifests.objects.selectors import selects
from manifests.objects.shapes import Obj, at, items, mapping, number

#: Words less alike than this are different words.
_ALIKE = 0.7
_HOME = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """One word of a policy that has to be another."""

    policy: Obj
    #: Paths with their values, ``None`` takes one away.
    wanted: tuple[tuple[str, Any], ...]
    #: The word, and what it is meant to be.
    said: str
    meant: str


@dataclass(frozen=True, slots=True)
class Closed:
    """Traffic that does not pass: whose policies, who is at the other end, who listens at which port."""

    direction: Direction
    own: Peer
    other: Peer
    listener: Peer
    port: int | None
    #: Ports that the listener's containers declare.
    heard: frozenset[int]
    protocol: Literal["TCP", "UDP"]

    @property
    def key(self) -> str:
        """``from`` or ``to``."""
        return "from" if self.direction == "ingress" else "to"


def slips(view: ClusterView, facts: ClosedTraffic) -> list[Slip]:
    """Slips in the policies that close the traffic, then in others of the namespace that were meant to open it."""
    closed = _closed(view, facts)
    if closed is None:
        return []
    found = [slip for policy in facts.policies for slip in _in_rules(view, policy, closed)]
    return [*found, *_not_selecting(view, closed)]


def _closed(view: ClusterView, facts: ClosedTraffic) -> Closed | None:
    """``None`` where nobody is known at the other end."""
    own = peer_of(facts.workload)
    if facts.dns:
        names = dns_of(view)
        heard = frozenset(port for _, port in names.ports)
        return Closed("egress", own, names, names, 53, heard, "UDP")
    if facts.peer is None:
        return None
    other = peer_of(facts.peer)
    listens = facts.workload if facts.direction == "ingress" else facts.peer
    listener = own if facts.direction == "ingress" else other
    ports = (number(p.get("containerPort")) for c in listens.containers() for p in c.ports)
    return Closed(facts.direction, own, other, listener, facts.port, frozenset(ports), "TCP")


def _in_rules(view: ClusterView, policy: Obj, closed: Closed) -> Iterator[Slip]:
    for n, rule in enumerate(map(mapping, items(at(policy, "spec", closed.direction)))):
        place = f"spec.{closed.direction}[{n}]"
        fits = port_fits(rule, closed.port, closed.protocol, closed.listener)
        if any(suits(view, peer, policy, closed.other) for peer in rule_peers(rule, closed.key)):
            if not fits:
                yield from _port(policy, rule, f"{place}.ports", closed)
            continue
        for m, peer in enumerate(rule_peers(rule, closed.key)):
            if fits and not any(suits(view, peer, policy, one) for one in present(view)):
                yield from _peer(view, policy, peer, f"{place}.{closed.key}[{m}]", closed.other)


def _peer(view: ClusterView, policy: Obj, peer: Obj, place: str, other: Peer) -> Iterator[Slip]:
    """One word of a peer, so that it is the other end: of its pods' labels, or of its namespace's."""
    pods, spaces = peer.get("podSelector"), peer.get("namespaceSelector")
    if "ipBlock" in peer:
        return
    pods_fit = pods is None or selects(pods, other.labels)
    if spaces is None and other.namespace != namespace_of(policy):
        if pods_fit and pods:
            wanted = {"matchLabels": {_HOME: other.namespace}}
            path = f"{place}.namespaceSelector"
            yield Slip(policy=policy, wanted=((path, wanted),), said="", meant=other.namespace)
        return
    spaces_fit = spaces is None or selects(spaces, namespace_labels(view, other.namespace))
    if pods_fit is spaces_fit:
        return
    if spaces_fit:
        place, have, labels = f"{place}.podSelector", pods, other.labels
    else:
        place, have = f"{place}.namespaceSelector", spaces
        labels = _homes(have, other.namespace, namespace_labels(view, other.namespace))
    yield from _labels(policy, f"{place}.matchLabels", have, labels)


def _homes(selector: object, namespace: str, labels: Obj) -> Obj:
    """The namespace's labels, among them only its name where the selector says that by a label which is not there."""
    said = mapping(selector, "matchLabels")
    lost = [key for key, value in said.items() if key not in labels and str(value) == namespace]
    return {**labels, **({} if not lost else {_HOME: namespace})}


def _labels(policy: Obj, place: str, selector: object, labels: Obj) -> Iterator[Slip]:
    """The one label that keeps a selector from selecting."""
    said = mapping(selector, "matchLabels")
    wrong = {k: v for k, v in said.items() if str(labels.get(k)) != str(v)}
    if len(wrong) != 1 or items(selector, "matchExpressions"):
        return
    (key, value), *_ = wrong.items()
    found = meant_label(key, str(value), labels)
    if found is None:
        return
    new = {**{k: v for k, v in said.items() if k != key}, found[0]: found[1]}
    yield Slip(
        policy=policy,
        wanted=tuple(exchange(place, said, new)),
        said=f"{key}={value}",
        meant=f"{found[0]}={found[1]}",
    )


def meant_label(key: str, value: str, labels: Obj) -> tuple[str, str] | None:
    """The label of ``labels`` that ``key=value`` was meant to be: another value, or another key; ``None`` without one."""
    if key in labels:
        have = str(labels[key])
        return (key, have) if alike(have, value) >= _ALIKE else None
    same = [k for k, have in labels.items() if str(have) == value]
    same.sort(key=lambda k: (-(k == _HOME), -alike(k, key), k))
    return (same[0], value) if same else None


def _port(policy: Obj, rule: Obj, place: str, closed: Closed) -> Iterator[Slip]:
    """The rule's only port is one at which nobody listens."""
    ports = [mapping(p) for p in items(rule.get("ports"))]
    if len(ports) != 1 or closed.port is None or "endPort" in ports[0]:
        return
    said = ports[0].get("port")
    spoken = str(ports[0].get("protocol") or "TCP")
    same = spoken == closed.protocol
    if same and (
        said in (None, "") or number(said) in closed.heard or closed.port not in closed.heard
    ):
        return
    if not same and number(said) != closed.port:
        return
    wrong = ("port", said, closed.port) if same else ("protocol", spoken, closed.protocol)
    yield Slip(
        policy=policy,
        wanted=((f"{place}[0].{wrong[0]}", wrong[2]),),
        said=f"{wrong[0]}={wrong[1]}",
        meant=f"{wrong[0]}={wrong[2]}",
    )


def _not_selecting(view: ClusterView, closed: Closed) -> Iterator[Slip]:
    """A policy that would open the traffic, if it selected the pods that it nearly names."""
    for policy in view.inside("networkpolicies", closed.own.namespace):
        selector = mapping(at(policy, "spec", "podSelector"))
        here = (p for p in present(view) if p.namespace == closed.own.namespace)
        if closed.direction not in directions(policy) or any(
            selects(selector, one.labels) for one in here
        ):
            continue
        opens = passes(
            view,
            [policy],
            closed.direction,
            closed.other,
            closed.port,
            protocol=closed.protocol,
            listener=closed.listener,
        )
        if opens:
            place = "spec.podSelector.matchLabels"
            yield from _labels(policy, place, selector, closed.own.labels)

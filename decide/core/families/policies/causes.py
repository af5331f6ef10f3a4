"""What makes a policy stop traffic that is needed: both ends tried against the policies as they are declared."""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.families.parts import Cause, cause
from decide.core.families.policies.facts import ClosedTraffic
from decide.core.findings import Finding
from decide.core.links import Link, links, peer_of
from decide.core.netpol import Direction, dns_of, passes, selecting
from decide.core.proof.asking import Told, not_there, subject
from decide.core.proof.counterfactual import seen
from decide.core.proof.standing import Standing, gone, stands, untold
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of
from manifests.objects.shapes import Obj, items
from manifests.objects.workloads import Workload


def closed(finding: Finding[ClosedTraffic], view: ClusterView) -> Standing:
    """Whether the policies that select the workload let this traffic through."""
    facts, owner = finding.facts, subject(finding, view)
    if owner is None:
        return not_there(finding)
    closing = selecting(view, peer_of(owner), facts.direction)
    names = [name_of(policy) for policy in closing]
    told: Told = {"workload": owner.ref.key, "direction": facts.direction}
    if not closing:
        return gone(say("proof.policy.open", **told))
    if facts.dns:
        through = passes(view, closing, "egress", dns_of(view), 53, protocol="UDP")
    elif facts.peer is not None:
        through = _through(view, owner, facts.peer, facts.direction, facts.port)
    elif not any(items(policy, "spec", facts.direction) for policy in closing):
        through = False
    else:
        return untold(say("proof.policy.somebody", policies=names, **told))
    if through:
        return gone(say("proof.policy.allowed", policies=names, **told))
    return stands(say("proof.policy.closed", policies=names, **told))


def _through(
    view: ClusterView, owner: Workload, peer: Workload, direction: Direction, port: int | None
) -> bool:
    """The policies of ``owner`` in this direction let ``peer`` come in, or be reached."""
    closing = selecting(view, peer_of(owner), direction)
    listener = owner if direction == "ingress" else peer
    return not closing or passes(
        view, closing, direction, peer_of(peer), port, listener=peer_of(listener)
    )


def declared(view: ClusterView, workload: Workload) -> Iterator[Finding]:
    """Connections of the workload that are known and that a policy of either end stops."""
    if not view.all("networkpolicies"):
        return
    for link in links(seen(view)):
        if workload.ref.key in (link.caller.ref.key, link.callee.ref.key):
            yield from _stopped(view, link)


def _stopped(view: ClusterView, link: Link) -> Iterator[Finding]:
    ends: tuple[tuple[Direction, Workload, Workload], ...] = (
        ("ingress", link.callee, link.caller),
        ("egress", link.caller, link.callee),
    )
    for direction, owner, peer in ends:
        now = view.workload(owner.kind, owner.namespace, owner.name) or owner
        if _through(view, now, peer, direction, link.pod_port):
            continue
        closing: list[Obj] = selecting(view, peer_of(now), direction)
        yield Finding(
            failure_class="network_policy_blocks",
            object=owner.ref,
            score=0.85,
            detail=say(
                "proof.policy.stops",
                policies=[name_of(p) for p in closing],
                caller=link.caller.ref.key,
                callee=link.callee.ref.key,
                direction=direction,
            ),
            facts=ClosedTraffic(
                workload=owner,
                policies=tuple(closing),
                direction=direction,
                peer=peer,
                port=link.pod_port or None,
            ),
        )


#: By id of the class.
CAUSES: dict[str, Cause] = {
    "network_policy_blocks": cause(ClosedTraffic, closed, certain=True),
}

"""What a service mesh refuses or drops: authorization, mutual TLS, subsets, faults that somebody injects.

Sources: istio.io reference (AuthorizationPolicy, PeerAuthentication, DestinationRule, VirtualService), Envoy response flags.
"""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.families.mesh.facts import InjectedFault, LostSubset, NotAllowed, ShutOut
from decide.core.findings import Fact, Finding, quote
from decide.core.graph import service_name
from decide.core.links import Link, links, peer_of, services_in, troubles
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import labels_of, name_of, namespace_of, ref_of
from manifests.objects.selectors import equal
from manifests.objects.shapes import Obj, at, items, mapping, number
from manifests.objects.workloads import Workload

_PROXIES = ("istio-proxy", "linkerd-proxy", "envoy", "envoy-sidecar")
_TROUBLE = ("mesh_denied", "mesh_flag", "upstream_error", "timeout", "reset", "connection_refused")
_CLASS = "mesh_policy_blocks"


def find(view: ClusterView) -> Iterator[Finding[ShutOut]]:
    """Findings about the mesh, at the workload that its policy is about."""
    found = False
    if view.all("authorizationpolicies") or view.all("peerauthentications"):
        for link in links(view):
            for finding in (*_denied(view, link), *_plain_text(view, link)):
                found = found or finding.score >= 0.6
                yield finding
    for route in view.all("virtualservices"):
        if namespace_of(route) in view.focus:
            yield from _subsets(view, route)
            yield from _injected(view, route)
    if not found:
        yield from _told(view)


def _policies(view: ClusterView, plural: str, workload: Workload) -> list[Obj]:
    """Those of the workload's namespace that select it; without selector they select all."""
    labels = peer_of(workload).labels
    out = []
    for policy in view.all(plural):
        wanted = at(policy, "spec", "selector", "matchLabels")
        if namespace_of(policy) == workload.namespace and (not wanted or equal(wanted, labels)):
            out.append(policy)
    return out


def _denied(view: ClusterView, link: Link) -> Iterator[Finding[ShutOut]]:
    policies = _policies(view, "authorizationpolicies", link.callee)
    deny = [p for p in policies if at(p, "spec", "action") == "DENY" and _matches(p, link)]
    allow = [p for p in policies if at(p, "spec", "action") in (None, "ALLOW")]
    shut = deny or ([] if not allow or any(_matches(p, link) for p in allow) else allow)
    if not shut:
        return
    score, lines = _heard(view, link)
    text = _denial(link, [name_of(p) for p in shut], denies=bool(deny))
    facts: ShutOut = ShutOut(workload=link.callee, caller=link.caller)
    if not deny:
        facts = NotAllowed(
            workload=link.callee, caller=link.caller, policy=shut[0], port=link.pod_port
        )
    yield Finding(
        failure_class=_CLASS,
        object=link.callee.ref,
        score=score,
        detail=text,
        evidence=[
            Fact(source="object", statement=text, object=ref_of(shut[0], "AuthorizationPolicy")),
            *(Fact(source="log", statement=line, object=link.caller.ref) for line in lines),
        ],
        facts=facts,
    )


def _heard(view: ClusterView, link: Link) -> tuple[float, list[str]]:
    """Belief that a policy against the caller is felt, and the lines that say so."""
    told = troubles(view, link, *_TROUBLE)
    both = view.hits(link.caller) + view.hits(link.callee)
    denied = [h for h in both if h.signal == "mesh_denied"]
    score = 0.95 if denied else 0.85 if told else 0.6 if not link.caller.available else 0.45
    return score, [quote(h.line) for h in (denied or told)[-2:]]


def _denial(link: Link, policies: list[str], *, denies: bool) -> str:
    caller, callee = link.caller.ref.key, link.callee.ref.key
    if denies:
        return say("mesh.policy.denies", policies=policies, caller=caller, callee=callee)
    return say("mesh.policy.does_not_allow", policies=policies, caller=caller, callee=callee)


def _matches(policy: Obj, link: Link) -> bool:
    return _fits(policy, link.caller, link.pod_port)


def _fits(policy: Obj, caller: Workload, port: int | None) -> bool:
    """Whether a rule of the policy is about this caller and port; paths and methods are taken as fitting."""
    rules = items(at(policy, "spec", "rules"))
    return any(_rule_fits(mapping(rule), caller, port) for rule in rules)


def admits(view: ClusterView, caller: Workload, callee: Workload, port: int | None) -> bool:
    """Whether the callee's policies let the caller in at the port: none denies, and one allows where any does."""
    policies = _policies(view, "authorizationpolicies", callee)
    deny = [p for p in policies if at(p, "spec", "action") == "DENY"]
    allow = [p for p in policies if at(p, "spec", "action") in (None, "ALLOW")]
    if any(_fits(p, caller, port) for p in deny):
        return False
    return not allow or any(_fits(p, caller, port) for p in allow)


def _rule_fits(rule: Obj, caller: Workload, port: int | None) -> bool:
    sources = [mapping(mapping(s).get("source")) for s in items(rule.get("from"))]
    if sources and not any(_source_fits(s, caller) for s in sources):
        return False
    operations = [mapping(mapping(t).get("operation")) for t in items(rule.get("to"))]
    ports = [items(o.get("ports")) for o in operations]
    closed = (
        bool(operations)
        and port is not None
        and all(p and str(port) not in map(str, p) for p in ports)
    )
    return not closed


def _source_fits(source: Obj, caller: Workload) -> bool:
    account = str(caller.spec.get("serviceAccountName") or "default")
    principal = f"cluster.local/ns/{caller.namespace}/sa/{account}"
    wanted = [str(p) for p in items(source.get("principals"))]
    spaces = [str(n) for n in items(source.get("namespaces"))]
    if wanted and not any(_glob(w, principal) for w in wanted):
        return False
    return not spaces or any(_glob(s, caller.namespace) for s in spaces)


def _glob(pattern: str, text: str) -> bool:
    if pattern.startswith("*"):
        return text.endswith(pattern[1:])
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else pattern == text


def in_mesh(workload: Workload) -> bool:
    """Its pods carry a proxy."""
    return any(c.name in _PROXIES for p in workload.pods for c in p.containers())


def _plain_text(view: ClusterView, link: Link) -> Iterator[Finding[ShutOut]]:
    """The callee demands mutual TLS and the caller has no proxy to speak it."""
    strict = [
        p
        for p in _policies(view, "peerauthentications", link.callee)
        if at(p, "spec", "mtls", "mode") == "STRICT"
    ]
    if not strict or in_mesh(link.caller) or not in_mesh(link.callee):
        return
    told = troubles(view, link, "reset", "mesh_flag", "upstream_error", "timeout")
    resets = [h for h in view.hits(link.caller) if h.signal == "reset"]
    text = say(
        "mesh.policy.demands_tls",
        policy=name_of(strict[0]),
        caller=link.caller.ref.key,
        callee=link.callee.ref.key,
    )
    facts = [Fact(source="object", statement=text, object=ref_of(strict[0], "PeerAuthentication"))]
    facts += [
        Fact(source="log", statement=quote(h.line), object=link.caller.ref)
        for h in (told or resets)[-1:]
    ]
    yield Finding(
        failure_class=_CLASS,
        object=link.callee.ref,
        score=0.9 if told else 0.8 if resets else 0.55,
        detail=text,
        evidence=facts,
        facts=ShutOut(workload=link.callee, caller=link.caller),
    )


def destinations(route: Obj) -> Iterator[tuple[str, Obj]]:
    """Field path and ``destination`` of every route of a VirtualService."""
    for kind in ("http", "tcp", "tls"):
        for n, rule in enumerate(items(at(route, "spec", kind))):
            for m, target in enumerate(items(mapping(rule).get("route"))):
                yield (
                    f"spec.{kind}[{n}].route[{m}].destination",
                    mapping(mapping(target).get("destination")),
                )


def _subsets(view: ClusterView, route: Obj) -> Iterator[Finding[ShutOut]]:
    """A subset that no DestinationRule defines, or that no pod belongs to."""
    for path, target in destinations(route):
        subset, host = str(target.get("subset") or ""), str(target.get("host") or "")
        place = service_name(host, namespace_of(route))
        backends = _behind(view, route, host)
        if not subset or place is None or not backends or not view.collected("destinationrules"):
            continue
        known = _defined(view, place)
        alive = {name for name, labels in known.items() if _has_pods(labels, backends)}
        if subset in alive:
            continue
        text = _lost(name_of(route), subset, host, known=subset in known)
        yield Finding(
            failure_class=_CLASS,
            object=backends[0].ref,
            score=0.88,
            detail=text,
            evidence=[
                Fact(source="object", statement=text, object=ref_of(route, "VirtualService"))
            ],
            facts=LostSubset(
                workload=backends[0],
                route=route,
                path=f"{path}.subset",
                alive=tuple(sorted(alive)),
            ),
        )


def _defined(view: ClusterView, place: tuple[str, str]) -> dict[str, Obj]:
    """Subsets that DestinationRules define for a Service (namespace, name): labels by name."""
    return {
        str(mapping(subset).get("name")): mapping(mapping(subset).get("labels"))
        for rule in view.all("destinationrules")
        if service_name(str(at(rule, "spec", "host") or ""), namespace_of(rule)) == place
        for subset in items(at(rule, "spec", "subsets"))
    }


def _has_pods(labels: Obj, backends: list[Workload]) -> bool:
    """A ready pod has the labels; no labels at all are every pod's."""
    pods = (pod for workload in backends for pod in workload.pods if pod.ready)
    return not labels or any(equal(labels, labels_of(pod.obj)) for pod in pods)


def _lost(route: str, subset: str, host: str, *, known: bool) -> str:
    if known:
        return say("mesh.subset.no_pod", route=route, subset=subset, host=host)
    return say("mesh.subset.not_defined", route=route, subset=subset, host=host)


def _injected(view: ClusterView, route: Obj) -> Iterator[Finding[ShutOut]]:
    """Faults that a VirtualService injects: the mesh itself aborts or delays requests."""
    for n, rule in enumerate(items(at(route, "spec", "http"))):
        for kind in ("abort", "delay"):
            fault = mapping(at(rule, "fault", kind))
            share = number(at(fault, "percentage", "value"), 100)
            hosts = [
                *items(at(route, "spec", "hosts")),
                *(t.get("host") for _, t in destinations(route)),
            ]
            target = next((w for h in hosts for w in _behind(view, route, str(h))), None)
            if not fault or share <= 0 or target is None:
                continue
            text = _injection(name_of(route), share, target.ref.key, delays=kind == "delay")
            yield Finding(
                failure_class=_CLASS,
                object=target.ref,
                score=0.9,
                detail=text,
                evidence=[
                    Fact(source="object", statement=text, object=ref_of(route, "VirtualService"))
                ],
                facts=InjectedFault(
                    workload=target,
                    route=route,
                    path=f"spec.http[{n}].fault.{kind}",
                    delays=kind == "delay",
                ),
            )


def _injection(route: str, share: int, target: str, *, delays: bool) -> str:
    if delays:
        return say("mesh.fault.delays", route=route, share=share, target=target)
    return say("mesh.fault.aborts", route=route, share=share, target=target)


def _behind(view: ClusterView, route: Obj, host: str) -> list[Workload]:
    place = service_name(host, namespace_of(route))
    service = view.get("services", *place) if place else None
    return view.backends(service) if service else []


def _told(view: ClusterView) -> Iterator[Finding[ShutOut]]:
    """Proxies refuse by a policy that was not collected."""
    for workload in view.workloads:
        hits = [h for h in view.hits(workload) if h.signal == "mesh_denied"]
        if not hits:
            continue
        named = [
            w
            for s in services_in(view, workload.namespace, hits[-1].line)
            for w in view.backends(s)
        ]
        target = named[0] if named else workload
        yield Finding(
            failure_class=_CLASS,
            object=target.ref,
            score=0.75,
            detail=quote(hits[-1].line),
            evidence=[Fact(source="log", statement=quote(hits[-1].line), object=workload.ref)],
            facts=ShutOut(workload=target),
        )

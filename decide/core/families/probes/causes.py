"""What makes a probe fail by itself: what it asks against what the container is known to answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from decide.core.families.parts import Cause, cause
from decide.core.families.probes.asking import PROBES, handler, patience_s, resolved
from decide.core.families.probes.classes import MENDED
from decide.core.families.probes.facts import FailingProbe, Probe
from decide.core.families.probes.known import served
from decide.core.families.probes.plans import facet
from decide.core.families.probes.rules import failures
from decide.core.families.probes.twins import twins_probes
from decide.core.findings import Finding
from decide.core.proof import asking
from decide.core.proof.asking import Told, not_there, subject
from decide.core.proof.counterfactual import seen
from decide.core.proof.standing import Standing, gone, stands, untold
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.pods import Container
from manifests.objects.shapes import Obj, at, mapping, number
from manifests.objects.workloads import Workload

#: The program answered in HTTP: something listens at the port and speaks the protocol.
_ANSWERED = re.compile(r"statuscode: \d{3}")


class _Asks(NamedTuple):
    """What a probe asks: kind, scheme, port as a number (``None`` for a name that is not there), and path or service."""

    kind: str
    scheme: str
    port: int | None
    what: str


def probe(finding: Finding[FailingProbe], view: ClusterView) -> Standing:
    """Whether the probe asks what is not answered, or gives as little time as it did."""
    facts, workload = finding.facts, subject(finding, view)
    container = asking.container(workload, facts.container) if workload is not None else None
    if workload is None or container is None:
        return not_there(finding)
    told: Told = {"probe": facts.probe, "container": container.name}
    now = mapping(container.spec, f"{facts.probe}Probe")
    if not now:
        return untold(say("proof.probe.none", **told))
    good = _as_worked(view, workload, facts, now)
    if good:
        return _as_then(facts, container, now, good)
    if not asking.same_program(container, facts.workload):
        return untold(say("proof.only_a_run", workload=workload.name))
    return _asked(finding, view, container, now)


def _as_then(facts: FailingProbe, container: Container, now: Obj, good: int) -> Standing:
    """Program and probe as in a revision that worked. Where the probe is the one that fails, only the program goes back."""
    told: Told = {"probe": facts.probe, "container": container.name, "revision": good}
    back = not asking.same_program(container, facts.workload)
    if not back or _whole(now) != _whole(facts.spec):
        return gone(say("proof.probe.worked", **told))
    if facts.timed:
        return untold(say("proof.probe.other_program", **told))
    return gone(say("proof.probe.program", **told))


def _asked(
    finding: Finding[FailingProbe], view: ClusterView, container: Container, now: Obj
) -> Standing:
    """The same program, asked ``now``."""
    facts, what = finding.facts, finding.failure_class.rpartition("_")[2]
    told: Told = {"probe": facts.probe, "container": container.name}
    if facet(now, what) == facet(facts.spec, what) and not _other_start(facts, container):
        return stands(say("proof.probe.same", **told))
    if _answered(finding) and "httpGet" in facts.spec and "httpGet" not in now:
        return stands(say("proof.probe.answered", **told))
    if what == "timing":
        return _patience(facts, container, now)
    who = _known_to_answer(facts, seen(view), container, now)
    return (
        gone(say("proof.probe.answers", who=who, **told))
        if who
        else _unheard(finding, view, container, now)
    )


def _unheard(
    finding: Finding[FailingProbe], view: ClusterView, container: Container, now: Obj
) -> Standing:
    """What the container itself declares, where nobody is known to be answered."""
    facts, what = finding.facts, finding.failure_class.rpartition("_")[2]
    told: Told = {"probe": facts.probe, "container": container.name}
    if what == "port":
        return _port(facts, list(_others(facts, seen(view))), container, now)
    if what == "protocol":
        return _protocol(facts, container, now)
    return untold(say("proof.probe.unseen", **told))


def _protocol(facts: FailingProbe, container: Container, now: Obj) -> Standing:
    """The scheme that the program's answer shows."""
    told: Told = {"probe": facts.probe, "container": container.name}
    if facts.scheme and facet(now, "protocol") == ("http", facts.scheme):
        return gone(say("proof.probe.scheme", scheme=facts.scheme, **told))
    return untold(say("proof.probe.unseen", **told))


def _known_to_answer(facts: FailingProbe, view: ClusterView, container: Container, now: Obj) -> str:
    """Who tells that the program answers just this: a ready twin, its own documentation, the other probe; else empty."""
    kind, stated = handler(now)
    port, path = resolved(container, stated), at(now, "httpGet", "path") or "/"
    for twin in twins_probes(view, facts.workload, container, facts.probe):
        theirs = (facet(twin.spec, "protocol"), twin.port, facet(twin.spec, "path"))
        if theirs == (facet(now, "protocol"), port, path):
            return twin.name
    known = served(facts.workload, container)
    page = known.paths.get(facts.probe) if known is not None and port == known.port else None
    if known is not None and kind == "http" and path == page:
        return known.source
    asks = _asks(container, now)
    return next((f"{one}Probe" for one, theirs in _others(facts, view) if theirs == asks), "")


def _port(
    facts: FailingProbe, others: list[tuple[Probe, _Asks]], container: Container, now: Obj
) -> Standing:
    """Another probe's port, or the only one that the container declares, is where it listens."""
    told: Told = {"probe": facts.probe, "container": container.name}
    port = handler(now)[1]
    known = resolved(container, port)
    ports = {number(p.get("containerPort")) for p in container.ports}
    asked = {other.port for _, other in others}
    if known is None:
        return stands(say("proof.probe.no_port", port=str(port), **told))
    if known in asked or (known in ports and len(ports) == 1):
        return gone(say("proof.probe.port", port=str(known), **told))
    return untold(say("proof.probe.unseen", **told))


def _patience(facts: FailingProbe, container: Container, now: Obj) -> Standing:
    told: Told = {"probe": facts.probe, "container": container.name}
    before, after = patience_s(facts.spec), patience_s(now)
    slow = number(now.get("timeoutSeconds"), 1) > number(facts.spec.get("timeoutSeconds"), 1)
    if after <= before and not slow and not _other_start(facts, container):
        return stands(say("proof.probe.no_longer", before=before, after=after, **told))
    return untold(say("proof.probe.longer", before=before, after=after, **told))


def _other_start(facts: FailingProbe, container: Container) -> bool:
    """A startup probe was put before the failing one."""
    was = next((c for c in facts.workload.containers() if c.name == container.name), None)
    had = was is not None and was.spec.get("startupProbe") == container.spec.get("startupProbe")
    return facts.probe != "startup" and not had


def _asks(container: Container, spec: Obj) -> _Asks:
    kind, port = handler(spec)
    scheme = str(at(spec, "httpGet", "scheme") or "HTTP") if kind == "http" else ""
    asked = {"http": facet(spec, "path"), "grpc": at(spec, "grpc", "service") or ""}.get(kind, "")
    return _Asks(kind, scheme, resolved(container, port), str(asked))


def _others(facts: FailingProbe, view: ClusterView) -> Iterator[tuple[Probe, _Asks]]:
    """The container's other probes that ask a port, as it was seen to run: these do not fail."""
    ours = asking.container(facts.workload, facts.container)
    if ours is None:
        return
    for name in PROBES:
        spec = mapping(ours.spec, f"{name}Probe")
        well = name != facts.probe and not _fails(view, facts.workload, ours, name)
        if well and handler(spec)[0] in ("http", "tcp", "grpc"):
            yield name, _asks(ours, spec)


def _fails(view: ClusterView, workload: Workload, container: Container, probe: Probe) -> bool:
    """It was seen to fail; a readiness probe of a container that is ready by now fails no more."""
    running = [c for pod in workload.pods for c in pod.containers() if c.name == container.name]
    ready = bool(running) and all(one.ready for one in running)
    return bool(failures(view, workload, probe, container.name)) and not (
        probe == "readiness" and ready
    )


def _as_worked(view: ClusterView, workload: Workload, facts: FailingProbe, now: Obj) -> int:
    """The revision that worked and whose program was asked the same; 0 without one."""
    for revision in asking.worked(view, workload):
        before = Workload("Pod", {"spec": revision.spec})
        theirs = asking.container(before, facts.container)
        ours = asking.container(workload, facts.container)
        if theirs is None or ours is None or not asking.same_program(ours, before):
            continue
        then = mapping(theirs.spec, f"{facts.probe}Probe")
        if then and _whole(then) == _whole(now):
            return revision.number
    return 0


def _whole(spec: Obj) -> tuple[object, ...]:
    return (*(facet(spec, what) for what in ("port", "protocol", "path")), patience_s(spec))


def _answered(finding: Finding[FailingProbe]) -> bool:
    said = (str(fact.statement) for fact in finding.evidence)
    return any(_ANSWERED.search(text) for text in said)


def declared(view: ClusterView, workload: Workload) -> Iterator[Finding]:
    """Probes that ask a port by a name which their container does not have: they can never be answered."""
    for container in workload.containers():
        for name in PROBES:
            spec = mapping(container.spec, f"{name}Probe")
            kind, port = handler(spec)
            if kind not in ("http", "tcp", "grpc") or resolved(container, port) is not None:
                continue
            why = say("probes.port.no_name", port=str(port))
            yield Finding(
                failure_class=f"{name}_probe_port",
                object=workload.ref,
                score=0.9,
                detail=say(
                    "proof.probe.no_port", probe=name, container=container.name, port=str(port)
                ),
                facts=FailingProbe(
                    workload=workload, container=container.name, probe=name, spec=spec, why=why
                ),
            )


#: By id of the class.
CAUSES: dict[str, Cause] = dict.fromkeys(MENDED, cause(FailingProbe, probe, certain=True))

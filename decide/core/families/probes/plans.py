"""Plans for probes: the port, path and protocol that the program has, and the time that it needs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from decide.core.drafting.drafts import (
    RESTART,
    PlanDraft,
    after,
    patch_workload,
)
from decide.core.drafting.drift import twin_of
from decide.core.drafting.history import rollback
from decide.core.families.probes.asking import handler
from decide.core.families.probes.facts import FailingProbe
from decide.core.families.probes.rules import failing
from decide.core.families.probes.targets import (
    others,
    paths,
    place,
    port_field,
    ports,
    programs,
)
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.pods import Container
from manifests.objects.shapes import Obj, at, items, mapping, number
from manifests.objects.workloads import Workload


def probe(finding: Finding[FailingProbe], view: ClusterView) -> list[PlanDraft]:
    """The probe asks what the container serves: its port, the other probe's protocol, more patience."""
    facts = finding.facts
    container = next((c for c in facts.workload.containers() if c.name == facts.container), None)
    if container is None:
        return []
    what = finding.failure_class.rpartition("_")[2]
    mended = {
        "port": ports,
        "protocol": _protocol,
        "path": paths,
        "timing": _patience,
        "command": programs,
    }.get(what)
    drafts = mended(facts, view, container) if mended is not None else []
    back = rollback(finding, view)
    if facts.timed:
        moved = say("probes.timing.moved")
        back = [replace(draft, risks=[*draft.risks, moved]) for draft in back]
    return drafts + back


def _scheme(facts: FailingProbe, view: ClusterView) -> list[PlanDraft]:
    """The same question by the scheme that the program speaks: nothing less is asked."""
    wanted = [(f"{place(facts)}.httpGet.scheme", facts.scheme)]
    return [
        PlanDraft(
            fix_kind="set_probe",
            title=say("probes.protocol.title", container=facts.container, protocol=facts.scheme),
            why=say("probes.protocol.why", why=facts.why, protocol=facts.scheme),
            changes=patch_workload(view, facts.workload, wanted),
            weight=0.93,
            risks=[RESTART],
        )
    ]


def _protocol(facts: FailingProbe, view: ClusterView, container: Container) -> list[PlanDraft]:
    """What the other probes ask, else whether the port is open; at most two."""
    field = port_field(facts)
    if not field:
        return []
    if facts.scheme:
        return _scheme(facts, view)
    bad = failing(view, facts.workload, container)
    models = [
        (k, other[k])
        for name, other in others(facts, container)
        if name not in bad
        for k in ("grpc", "httpGet", "tcpSocket")
        if k in other and k != field
    ]
    asked = {key for key, _ in models}
    if field != "tcpSocket":  # less is asked, whatever the program speaks
        models.append(("tcpSocket", {"port": at(facts.spec, field, "port")}))
    models = list({key: (key, value) for key, value in reversed(models)}.values())[::-1]
    kept = {k: v for k, v in facts.spec.items() if k != field}
    return [
        PlanDraft(
            fix_kind="set_probe",
            title=say("probes.protocol.title", container=facts.container, protocol=key),
            why=say(
                "probes.protocol.asked" if key in asked else "probes.protocol.open",
                why=facts.why,
                protocol=key,
            ),
            changes=patch_workload(view, facts.workload, [(place(facts), kept | {key: value})]),
            weight=0.9 - 0.2 * rank,
            risks=[RESTART],
        )
        for rank, (key, value) in enumerate(models[:2])
    ]


def _patience(facts: FailingProbe, view: ClusterView, container: Container) -> list[PlanDraft]:
    """Kubernetes' own defaults where the probe is tighter, and a start-up allowance."""
    if facts.probe == "startup":
        return [_generous(facts, view)]
    wanted = _relaxed(facts)
    title = say("probes.timing.title", container=facts.container, probe=facts.probe)
    why = say("probes.timing.why", why=facts.why)
    late = say("probes.timing.late")
    relaxed = PlanDraft(
        fix_kind="set_probe",
        title=title,
        why=why,
        changes=patch_workload(view, facts.workload, wanted),
        weight=0.88,
        risks=[late, RESTART],
    )
    field = next((k for k in ("grpc", "httpGet", "tcpSocket", "exec") if k in facts.spec), "")
    if not field or facts.probe != "liveness" or container.spec.get("startupProbe"):
        return [relaxed]
    # Nothing here tells how long the program takes to start: five minutes, as in the documentation's example.
    startup = (
        place(facts, "startup"),
        {field: facts.spec[field], "periodSeconds": 10, "failureThreshold": 30},
    )
    allows = say("probes.timing.startup")
    relaxed.weight = 0.72
    return [
        PlanDraft(
            fix_kind="set_probe",
            title=say("probes.timing.both", title=title),
            why=after(why, allows),
            changes=patch_workload(view, facts.workload, [*wanted, startup]),
            weight=0.88,
            risks=[late, RESTART],
        ),
        relaxed,
        PlanDraft(
            fix_kind="set_probe",
            title=say("probes.timing.add_startup", container=facts.container),
            why=allows,
            changes=patch_workload(view, facts.workload, [startup]),
            weight=0.7,
            risks=[RESTART],
        ),
    ]


#: Fields of a probe with Kubernetes' default and the least that leaves a program time to answer.
_PATIENT = (
    ("failureThreshold", 3, 3),
    ("periodSeconds", 10, 10),
    ("timeoutSeconds", 1, 3),
    ("initialDelaySeconds", 0, 15),
)


def _relaxed(facts: FailingProbe) -> list[tuple[str, Any]]:
    return [
        (f"{place(facts)}.{field}", least)
        for field, default, least in _PATIENT
        if number(facts.spec.get(field), default) < least
    ]


def _generous(facts: FailingProbe, view: ClusterView) -> PlanDraft:
    """Five minutes to start, as in the documentation's example: nothing here tells how long the program needs.

    Never less time than it has.
    """
    stated = number(facts.spec.get("periodSeconds"), 10)
    allowed = stated * number(facts.spec.get("failureThreshold"), 3)
    period = max(10, stated)
    failures = max(30, -(-allowed // period))
    wanted: list[tuple[str, Any]] = [(f"{place(facts)}.failureThreshold", failures)]
    if stated < 10:
        wanted.insert(0, (f"{place(facts)}.periodSeconds", period))
    seconds = failures * period
    return PlanDraft(
        fix_kind="set_probe",
        title=say("probes.start.title", container=facts.container, seconds=seconds),
        why=say(
            "probes.start.why", why=facts.why, failures=failures, period=period, seconds=seconds
        ),
        changes=patch_workload(view, facts.workload, wanted),
        weight=0.88,
        risks=[say("probes.start.late"), RESTART],
    )


_TIMES = {"initialDelaySeconds": 0, "periodSeconds": 10, "failureThreshold": 3, "timeoutSeconds": 1}


def differs(finding: Finding[FailingProbe], workload: Workload, twin: Workload) -> bool:
    """Whether the declared probe asks otherwise than the running one, in what this class is about."""
    name, which = finding.facts.container, f"{finding.facts.probe}Probe"
    here, there = twin_of(name, workload), twin_of(name, twin)
    if here is None or there is None:
        return False
    what = finding.failure_class.rpartition("_")[2]
    one, two = (facet(mapping(c.spec.get(which)), what) for c in (here, there))
    return one != two


def facet(probe: Obj, what: str) -> object:
    """The part of a probe that a class is about: ``port``, ``protocol``, ``path``, ``timing``, ``command``."""
    if not probe:
        return None
    kind, port = handler(probe)
    if what == "timing":
        return tuple(number(probe.get(key), default) for key, default in _TIMES.items())
    asked = {
        "port": port,
        "protocol": (kind, at(probe, "httpGet", "scheme") or "HTTP"),
        "path": at(probe, "httpGet", "path") or "/",
        "command": tuple(map(str, items(at(probe, "exec", "command")))),
    }
    return asked[what]

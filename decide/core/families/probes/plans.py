"""Plans for probes: the port, path and protocol that the program has, and the time that it needs."""

from __future__ import annotations

from typing import Any

from decide.core.drafting.drafts import RESTART, Draft, container_path, patch_workload
from decide.core.drafting.drift import twin_of
from decide.core.drafting.history import rollback
from decide.core.families.probes.rules import PROBES, handler, resolved
from decide.core.findings import Finding
from decide.core.objects import (
    Obj,
    Workload,
    at,
    mapping,
    number,
)
from decide.core.view import ClusterView


def probe(finding: Finding, view: ClusterView) -> list[Draft]:
    """The probe asks what the container serves: its port, the other probe's protocol, more patience."""
    workload, name = finding.facts["workload"], str(finding.facts["container"])
    which, spec = str(finding.facts["probe"]), finding.facts["spec"]
    container = next((c for c in workload.containers() if c.name == name), None)
    if container is None:
        return []
    what = finding.failure_class.rpartition("_")[2]
    base = container_path(workload, name, f"{which}Probe")
    kind, port = handler(spec)
    field = {"http": "httpGet", "tcp": "tcpSocket", "grpc": "grpc"}.get(kind, "")
    others = [mapping(container.spec.get(f"{o}Probe")) for o in PROBES if o != which]
    others = [o for o in others if o and handler(o)[0] in ("http", "tcp", "grpc")]
    drafts: list[Draft] = []
    if what == "port" and field:
        candidates = [resolved(container, handler(o)[1]) for o in others] + [
            number(p.get("containerPort")) for p in container.ports
        ]
        good = [c for c in dict.fromkeys(candidates) if c and c != port][:2]
        for at_, candidate in enumerate(good):
            why = (
                f"{finding.facts['why']}; port {candidate} is the container's.",
                f"{finding.facts['why']} ; le port {candidate} est celui du conteneur.",
            )
            drafts.append(
                Draft(
                    fix_kind="set_probe",
                    title=(
                        f"{which} probe of {name} asks port {candidate}",
                        f"La sonde {which} de {name} vise le port {candidate}",
                    ),
                    why=why,
                    changes=patch_workload(view, workload, [(f"{base}.{field}.port", candidate)]),
                    weight=0.93 - 0.2 * at_,
                    risks=[RESTART],
                )
            )
    if what == "protocol" and field:
        drafts += _protocol(finding, view, base, field, others)
    if what == "timing":
        drafts += _patience(finding, view, base, spec, which)
    return drafts + rollback(finding, view)


def _protocol(
    finding: Finding, view: ClusterView, base: str, field: str, others: list[Obj]
) -> list[Draft]:
    workload, name = finding.facts["workload"], str(finding.facts["container"])
    probe_ = dict(finding.facts["spec"])
    port = at(probe_, field, "port")
    models = [
        (k, o[k]) for o in others for k in ("grpc", "httpGet", "tcpSocket") if k in o and k != field
    ]
    if field != "tcpSocket":
        models.append(("tcpSocket", {"port": port}))  # less is asked, whatever the program speaks
    models = list({key: (key, value) for key, value in reversed(models)}.values())[::-1]
    out = []
    for at_, (key, value) in enumerate(models[:2]):
        after = {k: v for k, v in probe_.items() if k != field} | {key: value}
        why = (
            f"{finding.facts['why']}; the container answers {key} on this port.",
            f"{finding.facts['why']} ; le conteneur répond en {key} sur ce port.",
        )
        out.append(
            Draft(
                fix_kind="set_probe",
                title=(f"Probe {name} by {key}", f"Sonder {name} par {key}"),
                why=why,
                changes=patch_workload(view, workload, [(base, after)]),
                weight=0.9 - 0.2 * at_,
                risks=[RESTART],
            )
        )
    return out


def _patience(finding: Finding, view: ClusterView, base: str, spec: Obj, which: str) -> list[Draft]:
    """Kubernetes' own defaults where the probe is tighter, and a start-up allowance."""
    workload, name = finding.facts["workload"], str(finding.facts["container"])
    if which == "startup":
        return [_generous(finding, view, base, spec)]
    wanted: list[tuple[str, Any]] = []
    if number(spec.get("failureThreshold"), 3) < 3:
        wanted.append((f"{base}.failureThreshold", 3))
    if number(spec.get("periodSeconds"), 10) < 10:
        wanted.append((f"{base}.periodSeconds", 10))
    if number(spec.get("timeoutSeconds"), 1) < 3:
        wanted.append((f"{base}.timeoutSeconds", 3))
    delay = number(spec.get("initialDelaySeconds"))
    if delay < 15:
        wanted.append((f"{base}.initialDelaySeconds", 15))
    why = (
        f"{finding.facts['why']}: with the defaults of Kubernetes (period 10 s, 3 failures) and 15 s at start the program can answer.",
        f"{finding.facts['why']} : avec les défauts de Kubernetes (10 s, 3 échecs) et 15 s au départ le programme peut répondre.",
    )
    late = ("A hang is noticed later", "Un blocage est vu plus tard")
    title = (
        f"Give {name} time before the {which} probe fails",
        f"Laisser du temps à {name} avant l'échec de la sonde {which}",
    )
    relaxed = Draft(
        fix_kind="set_probe",
        title=title,
        why=why,
        changes=patch_workload(view, workload, wanted),
        weight=0.88,
        risks=[late, RESTART],
    )
    field = next((k for k in ("grpc", "httpGet", "tcpSocket", "exec") if k in spec), "")
    has_startup = any(c.name == name and c.spec.get("startupProbe") for c in workload.containers())
    if not field or which != "liveness" or has_startup:
        return [relaxed]
    # Nothing here tells how long the program takes to start: five minutes, as in the documentation's example.
    startup = (
        base.replace(f"{which}Probe", "startupProbe"),
        {field: spec[field], "periodSeconds": 10, "failureThreshold": 30},
    )
    why2 = (
        "A startup probe allows 300 s at start and keeps the liveness probe as strict as it is.",
        "Une sonde startup laisse 300 s au démarrage sans relâcher la sonde liveness.",
    )
    both = (f"{title[0]}, and a startup probe", f"{title[1]}, et une sonde startup")
    relaxed.weight = 0.72
    return [
        Draft(
            fix_kind="set_probe",
            title=both,
            why=(f"{why[0]} {why2[0]}", f"{why[1]} {why2[1]}"),
            changes=patch_workload(view, workload, [*wanted, startup]),
            weight=0.88,
            risks=[late, RESTART],
        ),
        relaxed,
        Draft(
            fix_kind="set_probe",
            title=(f"Add a startup probe to {name}", f"Ajouter une sonde startup à {name}"),
            why=why2,
            changes=patch_workload(view, workload, [startup]),
            weight=0.7,
            risks=[RESTART],
        ),
    ]


def _generous(finding: Finding, view: ClusterView, base: str, spec: Obj) -> Draft:
    """Five minutes to start, as in the documentation's example: nothing here tells how long the program needs."""
    workload, name = finding.facts["workload"], str(finding.facts["container"])
    period = max(10, number(spec.get("periodSeconds"), 10))
    failures = max(30, -(-300 // period))
    wanted: list[tuple[str, Any]] = []
    if number(spec.get("periodSeconds"), 10) < 10:
        wanted.append((f"{base}.periodSeconds", period))
    wanted.append((f"{base}.failureThreshold", failures))
    why = (
        f"{finding.facts['why']}: {failures} failures every {period} s leave {failures * period} s to start.",
        f"{finding.facts['why']} : {failures} échecs toutes les {period} s laissent {failures * period} s au démarrage.",
    )
    return Draft(
        fix_kind="set_probe",
        title=(
            f"Give {name} {failures * period} s to start",
            f"Laisser {failures * period} s au démarrage de {name}",
        ),
        why=why,
        changes=patch_workload(view, workload, wanted),
        weight=0.88,
        risks=[
            ("A start that hangs is noticed later", "Un démarrage bloqué est vu plus tard"),
            RESTART,
        ],
    )


_TIMES = {"initialDelaySeconds": 0, "periodSeconds": 10, "failureThreshold": 3, "timeoutSeconds": 1}


def differs(finding: Finding, workload: Workload, twin: Workload) -> bool:
    """Whether the declared probe asks otherwise than the running one, in what this class is about."""
    name, which = str(finding.facts.get("container")), f"{finding.facts.get('probe')}Probe"
    here, there = twin_of(name, workload), twin_of(name, twin)
    if here is None or there is None:
        return False
    what = finding.failure_class.rpartition("_")[2]
    one, two = (_facet(mapping(c.spec.get(which)), what) for c in (here, there))
    return one != two


def _facet(probe: Obj, what: str) -> object:
    if not probe:
        return None
    kind, port = handler(probe)
    if what == "timing":
        return tuple(number(probe.get(key), default) for key, default in _TIMES.items())
    return {"port": port, "protocol": kind, "path": at(probe, "httpGet", "path") or "/"}[what]

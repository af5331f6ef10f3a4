"""Plans for pods that the API server refuses: values that quota and LimitRange allow, settings that a standard asks for."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from decide.core.drafting.containers import fitting, quantity, written
from decide.core.drafting.drafts import RESTART, Draft, container_path, patch_workload
from decide.core.drafting.history import rollback
from decide.core.findings import Finding
from decide.core.names import alike
from decide.core.objects import Workload, name_of
from decide.core.view import ClusterView
from manifests.objects import quantities
from schemas.plans import FixKind

_BOUND = re.compile(
    r"(?P<side>maximum|minimum) (?P<resource>\S+) usage per (?P<what>Container|Pod) is (?P<bound>[\w.]+)(?:, but (?P<field>limit|request) is (?P<now>[\w.]+)|\.\s+No (?P<absent>limit|request))"
)
_RATIO = re.compile(
    r"(?P<resource>\S+) max limit to request ratio per Container is (?P<ratio>[\d.]+)"
)


def limit_range(finding: Finding, view: ClusterView) -> list[Draft]:
    """The bound itself, in each container that breaks it."""
    workload, text = finding.facts["workload"], str(finding.facts.get("message") or "")
    wanted: list[tuple[str, Any]] = []
    for said in _BOUND.finditer(text):
        wanted += (
            _within(workload, said) if said["what"] == "Container" else _shares(workload, said)
        )
    ratio = _RATIO.search(text)
    if ratio is not None:
        for container in workload.containers(init=True):
            limit, request = (
                quantity(container, w, ratio["resource"]) for w in ("limits", "requests")
            )
            most = Decimal(ratio["ratio"])
            if limit is not None and request is not None and request > 0 and limit / request > most:
                wanted.append(
                    (
                        container_path(
                            workload, container.name, f"resources.requests.{ratio['resource']}"
                        ),
                        written(ratio["resource"], limit / most),
                    )
                )
    why = (
        f"{finding.detail}; the values keep to the range.",
        f"{finding.detail} ; les valeurs respectent les bornes.",
    )
    risk = (
        "Less than asked for may be too little: watch memory and throttling",
        "Moins que demandé peut ne pas suffire : surveiller mémoire et bridage",
    )
    draft = Draft(
        fix_kind="set_memory" if "memory" in text else "set_cpu",
        title=(
            f"Keep {workload.name} within the LimitRange",
            f"Garder {workload.name} dans le LimitRange",
        ),
        why=why,
        changes=patch_workload(view, workload, wanted),
        weight=0.8,
        risks=[risk, RESTART],
    )
    return [draft, *rollback(finding, view)]


def _within(workload: Workload, said: re.Match[str]) -> list[tuple[str, Any]]:
    resource, bound = said["resource"], quantities.parse(said["bound"])
    upper = said["side"] == "maximum"
    out: list[tuple[str, Any]] = []
    for container in workload.containers(init=True):
        limit, request = (quantity(container, w, resource) for w in ("limits", "requests"))
        for which, value in (("limits", limit), ("requests", request)):
            broken = value is not None and (value > bound if upper else value < bound)
            missing = value is None and said["absent"] and which == f"{said['absent']}s"
            if broken or missing:
                out.append(
                    (
                        container_path(workload, container.name, f"resources.{which}.{resource}"),
                        written(resource, bound),
                    )
                )
    return out


def _shares(workload: Workload, said: re.Match[str]) -> list[tuple[str, Any]]:
    """A bound on the whole pod: each container gives the same part."""
    resource, bound = said["resource"], quantities.parse(said["bound"])
    which = f"{said['field'] or 'limit'}s"
    stated = [
        (c, q) for c in workload.containers() if (q := quantity(c, which, resource)) is not None
    ]
    total = sum((q for _, q in stated), Decimal(0))
    if said["side"] != "maximum" or total <= bound:
        return []
    step = Decimal("0.001") if resource == "cpu" else Decimal(2**20)
    out: list[tuple[str, Any]] = []
    for container, value in stated:
        less = (value * bound / total // step) * step
        out.append(
            (
                container_path(workload, container.name, f"resources.{which}.{resource}"),
                written(resource, less),
            )
        )
        request = quantity(container, "requests", resource)
        if which == "limits" and request is not None and request > less:
            out.append(
                (
                    container_path(workload, container.name, f"resources.requests.{resource}"),
                    written(resource, less),
                )
            )
    return out


def stated_values(finding: Finding, view: ClusterView) -> list[Draft]:
    """The values that a quota demands: from usage, else what the namespace's other containers state."""
    workload, text = finding.facts["workload"], str(finding.facts.get("message") or "")
    _, _, listed = text.partition("must specify ")
    parts = listed.split(";") if " for: " in listed else listed.split(",")
    names = [part.partition(" for: ")[0].strip() for part in parts]
    wanted: list[tuple[str, Any]] = []
    for container in workload.containers(init=True):
        for name in names:
            which, _, resource = name.rpartition(".")
            which = which if which in ("limits", "requests") else "requests"
            if not resource or quantity(container, which, resource) is not None:
                continue
            value = fitting(view, workload, container, which, resource)
            if value is None:
                return rollback(finding, view)
            wanted.append(
                (container_path(workload, container.name, f"resources.{which}.{resource}"), value)
            )
    why = (
        f"{finding.detail}; values from usage, else from what its neighbours state.",
        f"{finding.detail} ; valeurs issues de l'usage, sinon des voisins.",
    )
    risk = (
        "A limit that is too low kills or throttles: watch it",
        "Une limite trop basse tue ou bride : surveiller",
    )
    kind: FixKind = "set_memory" if any("memory" in n for n in names) else "set_cpu"
    return [
        Draft(
            fix_kind=kind,
            title=(
                f"State {', '.join(names)} of {workload.name}",
                f"Déclarer {', '.join(names)} de {workload.name}",
            ),
            why=why,
            changes=patch_workload(view, workload, wanted),
            weight=0.78,
            risks=[risk, RESTART],
        ),
        *rollback(finding, view),
    ]


#: What the restricted standard asks for and no ordinary program misses, by the words of the refusal.
_ASKED: tuple[tuple[str, str, Any], ...] = (
    ("allowPrivilegeEscalation != false", "securityContext.allowPrivilegeEscalation", False),
    ("unrestricted capabilities", "securityContext.capabilities.drop", ["ALL"]),
    ("runAsNonRoot != true", "securityContext.runAsNonRoot", True),
    ("seccompProfile", "securityContext.seccompProfile.type", "RuntimeDefault"),
)
#: What a program asked for on purpose: taking it away is not ours to decide.
_MEANT = re.compile(
    r"privileged|host(?:Path|Network|PID|IPC|Port)|hostPath volumes|restricted volume types|"
    r"non-default capabilities|runAsUser=0"
)


def pod_security(finding: Finding, view: ClusterView) -> list[Draft]:
    """The settings that the standard names as missing, in every container; nothing where it asks for less than the program uses."""
    workload, text = finding.facts["workload"], str(finding.facts.get("message") or "")
    if _MEANT.search(text):
        return rollback(finding, view)
    asked = [(path, value) for words, path, value in _ASKED if words in text]
    wanted = [
        (container_path(workload, c.name, path), value)
        for c in workload.containers(init=True)
        for path, value in asked
    ]
    names = ", ".join(path.split(".")[1] for path, _ in asked)
    why = (
        f"{finding.detail}; the namespace's standard asks for {names}.",
        f"{finding.detail} ; le standard du namespace exige {names}.",
    )
    risks = [
        (
            "A program that runs as root or needs capabilities fails at start: the image must allow it",
            "Un programme root ou avec capacités échoue au démarrage : l'image doit le permettre",
        ),
        RESTART,
    ]
    draft = Draft(
        fix_kind="other",
        title=(
            f"Meet the pod security standard: {names}",
            f"Respecter le standard de sécurité : {names}",
        ),
        why=why,
        changes=patch_workload(view, workload, wanted),
        weight=0.72,
        risks=risks,
    )
    return [draft, *rollback(finding, view)]


def priority_class(finding: Finding, view: ClusterView) -> list[Draft]:
    """The class of the nearest name, else none: the cluster's default applies."""
    workload = finding.facts["workload"]
    missing = str(workload.spec.get("priorityClassName") or "")
    drafts = rollback(finding, view)
    names = [
        name_of(c) for c in view.all("priorityclasses") if not name_of(c).startswith("system-")
    ]
    near = max(
        (n for n in names if alike(n, missing) >= 0.75), key=lambda n: alike(n, missing), default=""
    )
    why = (f"{finding.detail}.", f"{finding.detail}.")
    if near:
        drafts.append(
            Draft(
                fix_kind="set_scheduling",
                title=(f"Use priority class {near}", f"Utiliser la classe de priorité {near}"),
                why=why,
                changes=patch_workload(view, workload, [(":priorityClassName", near)]),
                weight=0.82,
                risks=[RESTART],
            )
        )
    if missing:
        risk = (
            "Under pressure the pods are evicted like all ordinary ones",
            "Sous pression les pods sont évincés comme les autres",
        )
        drafts.append(
            Draft(
                fix_kind="set_scheduling",
                title=("Name no priority class", "Ne nommer aucune classe de priorité"),
                why=why,
                changes=patch_workload(view, workload, [(":priorityClassName", None)]),
                weight=0.68,
                risks=[risk, RESTART],
            )
        )
    return drafts


_ABOVE = re.compile(
    r"resources\.requests: Invalid value: \"?(?P<now>[\w.]+)\"?: must be less than or equal to (?P<resource>\S+) limit(?: of (?P<bound>[\w.]+))?"
)


def invalid(finding: Finding, view: ClusterView) -> list[Draft]:
    """A request above its limit comes down to it; else back to what was valid."""
    workload, text = finding.facts["workload"], str(finding.facts.get("message") or "")
    drafts = rollback(finding, view)
    said = _ABOVE.search(text)
    if said is None:
        return drafts
    resource = said["resource"]
    wanted, raised = [], []
    for container in workload.containers(init=True):
        limit, request = (quantity(container, w, resource) for w in ("limits", "requests"))
        if limit is None and said["bound"] and request == quantities.parse(said["now"]):
            # The limit is the LimitRange's default: stating one leaves the request as it is meant.
            raised.append(
                (
                    container_path(workload, container.name, f"resources.limits.{resource}"),
                    written(resource, request),
                )
            )
            limit = quantities.parse(said["bound"])
        if limit is not None and request is not None and request > limit:
            wanted.append(
                (
                    container_path(workload, container.name, f"resources.requests.{resource}"),
                    written(resource, limit),
                )
            )
    why = (f"{finding.detail}.", f"{finding.detail}.")
    kind: FixKind = "set_memory" if resource == "memory" else "set_cpu"
    if raised:
        drafts.append(
            Draft(
                fix_kind=kind,
                title=(
                    f"State the limit of {resource} that the request needs",
                    f"Déclarer la limite {resource} que la request exige",
                ),
                why=why,
                changes=patch_workload(view, workload, raised),
                weight=0.88,
                risks=[RESTART],
            )
        )
    drafts.append(
        Draft(
            fix_kind=kind,
            title=(
                f"Request at most the limit of {resource}",
                f"Demander au plus la limite de {resource}",
            ),
            why=why,
            changes=patch_workload(view, workload, wanted),
            weight=0.7 if raised else 0.85,
            risks=[RESTART],
        )
    )
    return drafts

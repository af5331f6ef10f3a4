"""Plans for requests and limits that a quota demands, a LimitRange bounds, or validation refuses."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from decide.core.drafting.containers import fitting, quantity, resource_word, written
from decide.core.drafting.drafts import RESTART, PlanDraft, because, container_path, patch_workload
from decide.core.drafting.history import rollback
from decide.core.families.admission.facts import RefusedPods
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.pods import Container
from manifests.objects.workloads import Workload
from schemas.plans import FixKind

_BOUND = re.compile(
    r"(?P<side>maximum|minimum) (?P<resource>\S+) usage per (?P<what>Container|Pod) is (?P<bound>[\w.]+)(?:, but (?P<field>limit|request) is (?P<now>[\w.]+)|\.\s+No (?P<absent>limit|request))"
)
_RATIO = re.compile(
    r"(?P<resource>\S+) max limit to request ratio per Container is (?P<ratio>[\d.]+)"
)


def _place(workload: Workload, container: Container, which: str, resource: str) -> str:
    return container_path(workload, container.name, f"resources.{which}.{resource}")


def limit_range(finding: Finding[RefusedPods], view: ClusterView) -> list[PlanDraft]:
    """The bound itself, in each container that breaks it."""
    workload, text = finding.facts.workload, finding.facts.message
    wanted = within_bounds(workload, text)
    draft = PlanDraft(
        fix_kind="set_memory" if "memory" in text else "set_cpu",
        title=say("admission.limit_range.title", workload=workload.name),
        why=say("admission.limit_range.why", detail=finding.detail),
        changes=patch_workload(view, workload, wanted),
        weight=0.8,
        risks=[say("admission.limit_range.too_little"), RESTART],
    )
    return [draft, *rollback(finding, view)]


def within_bounds(workload: Workload, text: str) -> list[tuple[str, Any]]:
    """What brings the workload within the bounds that a refusal names; empty where it is within them."""
    wanted: list[tuple[str, Any]] = []
    for said in _BOUND.finditer(text):
        wanted += (
            _within(workload, said) if said["what"] == "Container" else _shares(workload, said)
        )
    ratio = _RATIO.search(text)
    if ratio is not None:
        wanted += _nearer(workload, ratio["resource"], Decimal(ratio["ratio"]))
    return wanted


def _nearer(workload: Workload, resource: str, most: Decimal) -> list[tuple[str, Any]]:
    """Requests so large that no limit is more than ``most`` times its request."""
    out: list[tuple[str, Any]] = []
    for container in workload.containers(init=True):
        limit, request = (quantity(container, w, resource) for w in ("limits", "requests"))
        if limit is not None and request is not None and request > 0 and limit / request > most:
            place = _place(workload, container, "requests", resource)
            out.append((place, written(resource, limit / most)))
    return out


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
                out.append((_place(workload, container, which, resource), written(resource, bound)))
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
        out.append((_place(workload, container, which, resource), written(resource, less)))
        request = quantity(container, "requests", resource)
        if which == "limits" and request is not None and request > less:
            out.append((_place(workload, container, "requests", resource), written(resource, less)))
    return out


def stated_values(finding: Finding[RefusedPods], view: ClusterView) -> list[PlanDraft]:
    """The values that a quota demands: from usage, else what the namespace's other containers state."""
    workload = finding.facts.workload
    names = _demanded(finding.facts.message)
    wanted = _stated(workload, names, view)
    if wanted is None:
        return rollback(finding, view)
    kind: FixKind = "set_memory" if any("memory" in n for n in names) else "set_cpu"
    return [
        PlanDraft(
            fix_kind=kind,
            title=say("admission.values.title", values=names, workload=workload.name),
            why=say("admission.values.why", detail=finding.detail),
            changes=patch_workload(view, workload, wanted),
            weight=0.78,
            risks=[say("admission.values.too_low"), RESTART],
        ),
        *rollback(finding, view),
    ]


def _demanded(text: str) -> list[str]:
    """``must specify limits.cpu for: app; requests.memory for: app`` → ``["limits.cpu", "requests.memory"]``."""
    _, _, listed = text.partition("must specify ")
    parts = listed.split(";") if " for: " in listed else listed.split(",")
    return [part.partition(" for: ")[0].strip() for part in parts]


def _stated(
    workload: Workload, names: list[str], view: ClusterView
) -> list[tuple[str, Any]] | None:
    """A value for each of the names in each container that lacks it; ``None`` where one cannot be told."""
    wanted: list[tuple[str, Any]] = []
    for container in workload.containers(init=True):
        for name in names:
            which, _, resource = name.rpartition(".")
            which = which if which in ("limits", "requests") else "requests"
            if not resource or quantity(container, which, resource) is not None:
                continue
            value = fitting(view, workload, container, which, resource)
            if value is None:
                return None
            wanted.append((_place(workload, container, which, resource), value))
    return wanted


_ABOVE = re.compile(
    r"resources\.requests: Invalid value: \"?(?P<now>[\w.]+)\"?: must be less than or equal to (?P<resource>\S+) limit(?: of (?P<bound>[\w.]+))?"
)


def invalid(finding: Finding[RefusedPods], view: ClusterView) -> list[PlanDraft]:
    """A request above its limit comes down to it; else back to what was valid."""
    workload = finding.facts.workload
    drafts = rollback(finding, view)
    said = _ABOVE.search(finding.facts.message)
    if said is None:
        return drafts
    resource, why = said["resource"], because(finding.detail)
    raised, lowered = _limits_stated(workload, said), _requests_lowered(workload, said)
    kind: FixKind = "set_memory" if resource == "memory" else "set_cpu"
    if raised:
        drafts.append(
            PlanDraft(
                fix_kind=kind,
                title=say("admission.invalid.state", resource=resource_word(resource)),
                why=why,
                changes=patch_workload(view, workload, raised),
                weight=0.88,
                risks=[RESTART],
            )
        )
    drafts.append(
        PlanDraft(
            fix_kind=kind,
            title=say("admission.invalid.lower", resource=resource_word(resource)),
            why=why,
            changes=patch_workload(view, workload, lowered),
            weight=0.7 if raised else 0.85,
            risks=[RESTART],
        )
    )
    return drafts


def _by_default(container: Container, said: re.Match[str]) -> bool:
    """The limit is the LimitRange's default: the container states none, and asks for what is refused."""
    resource = said["resource"]
    return (
        quantity(container, "limits", resource) is None
        and bool(said["bound"])
        and quantity(container, "requests", resource) == quantities.parse(said["now"])
    )


def _limits_stated(workload: Workload, said: re.Match[str]) -> list[tuple[str, Any]]:
    """Stating a limit in place of the default leaves the request as it is meant."""
    resource, asked = said["resource"], quantities.parse(said["now"])
    return [
        (_place(workload, container, "limits", resource), written(resource, asked))
        for container in workload.containers(init=True)
        if _by_default(container, said)
    ]


def _requests_lowered(workload: Workload, said: re.Match[str]) -> list[tuple[str, Any]]:
    """Requests at the limit, stated or by default, where they are above it."""
    resource = said["resource"]
    out: list[tuple[str, Any]] = []
    for container in workload.containers(init=True):
        limit, request = (quantity(container, w, resource) for w in ("limits", "requests"))
        if _by_default(container, said):
            limit = quantities.parse(said["bound"])
        if limit is not None and request is not None and request > limit:
            out.append(
                (_place(workload, container, "requests", resource), written(resource, limit))
            )
    return out

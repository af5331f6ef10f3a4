"""Plans for pods that policies and names refuse: settings that a standard asks for, priority classes."""

from __future__ import annotations

import re
from typing import Any

from decide.core.drafting.drafts import RESTART, PlanDraft, because, container_path, patch_workload
from decide.core.drafting.history import rollback
from decide.core.families.admission.facts import RefusedPods
from decide.core.findings import Finding
from decide.core.names import alike
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of

#: What the restricted standard asks for and no ordinary program misses, by the words of the refusal.
_ASKED: tuple[tuple[str, str, Any], ...] = (
    ("allowPrivilegeEscalation != false", "securityContext.allowPrivilegeEscalation", False),
    ("unrestricted capabilities", "securityContext.capabilities.drop", ["ALL"]),
    ("runAsNonRoot != true", "securityContext.runAsNonRoot", True),
    ("seccompProfile", "securityContext.seccompProfile.type", "RuntimeDefault"),
)
#: The pod says it for all containers: what a single one says does not outdo that.
_AGAINST = "pod must not set securityContext.runAsNonRoot=false"
#: What a program asked for on purpose: taking it away is not ours to decide.
_MEANT = re.compile(
    r"privileged|host(?:Path|Network|PID|IPC|Port)|hostPath volumes|restricted volume types|"
    r"non-default capabilities|runAsUser=0|procMount|forbidden sysctls|seLinuxOptions|AppArmor|lifecycle host|"
    r"type to \"Unconfined\""
)


def pod_security(finding: Finding[RefusedPods], view: ClusterView) -> list[PlanDraft]:
    """The settings that the standard names as missing, in every container; nothing where it asks for less than the program uses."""
    workload, text = finding.facts.workload, finding.facts.message
    if _MEANT.search(text):
        return rollback(finding, view)
    asked = [(path, value) for words, path, value in _ASKED if words in text]
    wanted = [
        (container_path(workload, c.name, path), value)
        for c in workload.containers(init=True)
        for path, value in asked
    ]
    if _AGAINST in text:
        wanted.append((":securityContext.runAsNonRoot", True))
    names = [path.split(".")[1] for path, _ in asked]
    draft = PlanDraft(
        fix_kind="other",
        title=say("admission.security.title", settings=names),
        why=say("admission.security.why", detail=finding.detail, settings=names),
        changes=patch_workload(view, workload, wanted),
        weight=0.72,
        risks=[say("admission.security.root"), RESTART],
    )
    return [draft, *rollback(finding, view)]


def priority_class(finding: Finding[RefusedPods], view: ClusterView) -> list[PlanDraft]:
    """The class of the nearest name, else none: the cluster's default applies."""
    workload = finding.facts.workload
    missing = str(workload.spec.get("priorityClassName") or "")
    drafts = rollback(finding, view)
    names = [
        name_of(c) for c in view.all("priorityclasses") if not name_of(c).startswith("system-")
    ]
    near = max(
        (n for n in names if alike(n, missing) >= 0.75), key=lambda n: alike(n, missing), default=""
    )
    why = because(finding.detail)
    if near:
        drafts.append(
            PlanDraft(
                fix_kind="set_scheduling",
                title=say("admission.priority.title", near=near),
                why=why,
                changes=patch_workload(view, workload, [(":priorityClassName", near)]),
                weight=0.82,
                risks=[RESTART],
            )
        )
    if missing:
        drafts.append(
            PlanDraft(
                fix_kind="set_scheduling",
                title=say("admission.priority.none"),
                why=why,
                changes=patch_workload(view, workload, [(":priorityClassName", None)]),
                weight=0.68,
                risks=[say("admission.priority.evicted"), RESTART],
            )
        )
    return drafts

"""Plans for pods of another operating system: a node selector that says which."""

from __future__ import annotations

from decide.core.drafting.drafts import RESTART, PlanDraft, because, patch_workload
from decide.core.facts import Facts
from decide.core.families.platforms.rules import LABEL, system_of
from decide.core.findings import Finding
from decide.core.view import ClusterView, node_ready
from kfix.texts import say
from manifests.objects.meta import labels_of
from manifests.objects.scheduling import selector_takes
from manifests.objects.shapes import at, mapping, text


def system(finding: Finding[Facts], view: ClusterView) -> list[PlanDraft]:
    """The selector that the pods' own system asks for, where a ready node carries it and no selector says another."""
    workload = finding.facts.workload
    wanted = system_of(workload.spec) if workload is not None else ""
    if workload is None or not wanted or at(workload.spec, "nodeSelector", LABEL) is not None:
        return []
    selector = {**mapping(workload.spec, "nodeSelector"), LABEL: wanted}
    fitting = [
        node
        for node in view.nodes
        if node_ready(node) == "True"
        and text(labels_of(node), LABEL) == wanted
        and selector_takes({"nodeSelector": selector}, node)
    ]
    if not fitting:
        return []
    return [
        PlanDraft(
            fix_kind="set_scheduling",
            title=say("platforms.title", workload=workload.name, system=wanted),
            why=because(finding.detail),
            changes=patch_workload(view, workload, [(f":nodeSelector['{LABEL}']", wanted)]),
            weight=0.9,
            risks=[RESTART],
        )
    ]

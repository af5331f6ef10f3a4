"""What puts pods on nodes of another operating system: no selector that says which."""

from __future__ import annotations

from decide.core.facts import Facts
from decide.core.families.parts import Cause, cause
from decide.core.families.platforms.rules import LABEL, system_of
from decide.core.findings import Finding
from decide.core.proof.asking import Told, not_there, subject
from decide.core.proof.standing import Standing, gone, stands
from decide.core.view import ClusterView, node_ready
from kfix.texts import say
from manifests.objects.meta import labels_of
from manifests.objects.scheduling import affinity_takes, selector_takes
from manifests.objects.shapes import text


def system(finding: Finding[Facts], view: ClusterView) -> Standing:
    """Whether nodes of another system than the pods' are open to them, or none of their own is."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    spec, wanted = workload.spec, system_of(workload.spec)
    open_to = [
        text(labels_of(node), LABEL)
        for node in view.nodes
        if node_ready(node) == "True" and selector_takes(spec, node) and affinity_takes(spec, node)
    ]
    told: Told = {"workload": workload.name, "system": wanted or "linux"}
    if not open_to or any(other != wanted for other in open_to):
        return stands(say("proof.system.others", **told))
    return gone(say("proof.system.own", **told))


#: By id of the class.
CAUSES: dict[str, Cause] = {"pod_os_mismatch": cause(Facts, system)}

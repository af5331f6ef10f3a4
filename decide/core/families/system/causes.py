"""What silences the cluster's DNS."""

from __future__ import annotations

from decide.core.families.parts import Cause, cause
from decide.core.families.system.facts import SilentDns
from decide.core.findings import Finding
from decide.core.proof.asking import Told, not_there
from decide.core.proof.standing import Standing, gone, stands, untold
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.shapes import at, number


def names(finding: Finding[SilentDns], view: ClusterView) -> Standing:
    """Whether any pod of the DNS is wanted."""
    owner = finding.facts.owner
    found = view.get("deployments", namespace_of(owner), name_of(owner)) if owner else None
    if owner is None or found is None:
        return not_there(finding)
    wanted, was = (number(at(o, "spec", "replicas"), 1) for o in (found, owner))
    told: Told = {"workload": name_of(found), "n": wanted}
    if not wanted:
        return stands(say("proof.replicas.none", **told))
    return (
        untold(say("proof.replicas.same", **told))
        if was
        else gone(say("proof.replicas.some", **told))
    )


#: By id of the class.
CAUSES: dict[str, Cause] = {
    "cluster_dns_down": cause(SilentDns, names),
}

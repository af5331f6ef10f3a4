"""What keeps pods from the devices that they claim: the claim or template that they name."""

from __future__ import annotations

from decide.core.families.devices.facts import AbsentDevice
from decide.core.families.devices.rules import KINDS
from decide.core.families.parts import Cause, cause
from decide.core.findings import Finding
from decide.core.proof.asking import not_there, subject
from decide.core.proof.standing import Standing, gone, stands
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.kinds import kind_of
from manifests.objects.shapes import mappings, text


def claim(finding: Finding[AbsentDevice], view: ClusterView) -> Standing:
    """Whether the pods name a claim or template that is not there."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    named = [
        (plural, text(entry, field))
        for entry in mappings(workload.spec, "resourceClaims")
        for field, plural in KINDS.items()
        if text(entry, field)
    ]
    for plural, name in named:
        if view.get(plural, workload.namespace, name) is None:
            return stands(say("proof.absent", object=f"{kind_of(plural)}/{name}"))
    plural, name = named[0] if named else ("", "")
    return gone(say("proof.exists", object=f"{kind_of(plural)}/{name}"))


#: By id of the class.
CAUSES: dict[str, Cause] = {"device_claim_missing": cause(AbsentDevice, claim)}

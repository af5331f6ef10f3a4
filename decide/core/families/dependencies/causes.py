"""What keeps a caller from its database: the port that it calls, and the room on the disk."""

from __future__ import annotations

from decide.core.facts import Facts
from decide.core.families.dependencies.crowding import count_of
from decide.core.families.dependencies.facts import Crowded, FullDisk, WrongPort
from decide.core.families.dependencies.plans import port_slips
from decide.core.families.parts import Cause, cause
from decide.core.families.storage.rules import claims_of
from decide.core.findings import Finding
from decide.core.proof.asking import by_template, not_there, subject
from decide.core.proof.counterfactual import seen
from decide.core.proof.standing import Standing, gone, stands, untold
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.shapes import at


def port(finding: Finding[WrongPort], view: ClusterView) -> Standing:
    """Whether a variable names a port that the database's Service does not have."""
    workload, database = subject(finding, view), finding.facts.database
    if workload is None:
        return not_there(finding)
    if database is None:
        return by_template(finding, view)
    slips = port_slips(view, workload, database)
    if slips is None:
        return by_template(finding, view)
    if slips:
        return stands(say("proof.database.port", key=slips[0].key, port=slips[0].port))
    return gone(say("proof.database.fits", workload=workload.name, database=database.name))


def disk(finding: Finding[FullDisk], view: ClusterView) -> Standing:
    """Whether the claims have the size that is full."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    sizes = [
        [
            at(v.get("persistentvolumeclaims", workload.namespace, name), *_SIZE)
            for name in claims_of(finding.facts.workload)
        ]
        for v in (seen(view), view)
    ]
    if sizes[0] == sizes[1]:
        return stands(say("proof.disk.same", workload=workload.name))
    return untold(say("proof.disk.unmeasured", workload=workload.name))


def crowded(finding: Finding[Crowded], view: ClusterView) -> Standing:
    """Whether the callers' pools may hold more connections than the server lets in."""
    server = subject(finding, view)
    if server is None:
        return not_there(finding)
    count = count_of(view, server, finding.facts.sort)
    if count is None:
        return by_template(finding, view)
    if count.held > count.room:
        return stands(say("proof.pools.full", held=count.held, room=count.room))
    return gone(say("proof.pools.fit", held=count.held, room=count.room))


_SIZE = ("spec", "resources", "requests", "storage")


#: By id of the class.
CAUSES: dict[str, Cause] = {
    "database_port_wrong": cause(WrongPort, port),
    "database_disk_full": cause(FullDisk, disk),
    "database_connections_exhausted": cause(Crowded, crowded),
    "database_read_only": cause(Facts, by_template),
}

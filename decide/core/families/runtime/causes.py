"""What makes a program end: settings that it misses or refuses; else only its template as a whole can be asked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from decide.core.facts import Facts
from decide.core.families.parts import Cause, cause
from decide.core.families.runtime.facts import (
    BadSetting,
    HeldLock,
    ScaledToZero,
    StoppedProgram,
    UnsetVariable,
)
from decide.core.families.runtime.readonly import writable
from decide.core.families.runtime.settings import settings_of, without_slip
from decide.core.findings import Finding
from decide.core.proof import asking
from decide.core.proof.asking import Told, by_credentials, by_template, not_there, subject
from decide.core.proof.standing import Standing, gone, stands, untold
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.pods import Container
from manifests.objects.shapes import at, items, mapping, number
from manifests.objects.workloads import Workload

#: The program says that it cannot read a value, not that it does not like what the value says.
_UNREADABLE = re.compile(
    r"(?i)\b(?:pars(?:e|ing)|convert|invalid syntax|malformed|invalid literal|NumberFormatException|not a (?:valid )?number)\b"
)


def variable(finding: Finding[UnsetVariable], view: ClusterView) -> Standing:
    """Whether the container is given the variable."""
    facts, workload = finding.facts, subject(finding, view)
    container = asking.container(workload, facts.container) if workload is not None else None
    if workload is None or container is None:
        return not_there(finding)
    if not facts.name:
        return by_template(finding, view)
    told: Told = {"container": container.name, "name": facts.name}
    if facts.name in set(_variables(view, workload, container)):
        return gone(say("proof.variable.set", **told))
    return stands(say("proof.variable.unset", **told))


def _variables(view: ClusterView, workload: Workload, container: Container) -> Iterator[str]:
    yield from (str(entry.get("name")) for entry in container.env)
    for source in items(container.spec.get("envFrom")):
        for field, plural in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
            name = str(at(source, field, "name") or "")
            found = view.get(plural, workload.namespace, name) if name else None
            prefix = str(at(source, "prefix") or "")
            yield from (f"{prefix}{key}" for key in mapping(found or {}, "data"))


def setting(finding: Finding[Facts], view: ClusterView) -> Standing:
    """Whether the container still reads the value that its program refuses."""
    facts, workload = finding.facts, subject(finding, view)
    if not isinstance(facts, BadSetting):
        return by_template(finding, view)
    container = asking.container(workload, facts.container) if workload is not None else None
    if workload is None or container is None:
        return not_there(finding)
    values = {s.value for s in settings_of(view, workload, container) if s.name == facts.name}
    told: Told = {"name": facts.name, "value": facts.value}
    if facts.value in values:
        return stands(say("proof.setting.same", **told))
    meant = without_slip(facts.value)
    if meant and values == {meant} and _UNREADABLE.search(finding.detail):
        return gone(say("proof.setting.slip", name=facts.name, value=meant))
    if asking.as_it_worked(view, workload) is not None and not facts.config:
        return by_template(finding, view)
    return untold(say("proof.setting.other", **told))


def ports(finding: Finding[StoppedProgram], view: ClusterView) -> Standing:
    """Whether two containers of the pod declare one port, or run as they did when one was taken."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    stated = [
        (number(p.get("containerPort")), str(p.get("protocol") or "TCP"))
        for c in workload.containers()
        for p in c.ports
    ]
    twice = sorted({port for port, protocol in stated if stated.count((port, protocol)) > 1})
    if twice:
        return stands(say("proof.port.twice", workload=workload.name, port=str(twice[0])))
    return by_template(finding, view)


def replicas(finding: Finding[ScaledToZero], view: ClusterView) -> Standing:
    """Whether any pod is wanted."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    told: Told = {"workload": workload.name, "n": workload.desired}
    if workload.desired > 0:
        return gone(say("proof.replicas.some", **told))
    return stands(say("proof.replicas.none", **told))


def owner(finding: Finding[StoppedProgram], view: ClusterView) -> Standing:
    """Whether volumes are mounted with the same group and mode as when writing was denied."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    before = finding.facts.workload
    if workload.spec.get("securityContext") != before.spec.get("securityContext"):
        return untold(say("proof.volume.group", workload=workload.name))
    return by_template(finding, view)


#: A whole database is chosen by settings; a table may be one that only the newer program asks for.
_DATABASE = re.compile(r"Unknown database|database \"|ER_BAD_DB_ERROR|3D000")


def schema(finding: Finding[Facts], view: ClusterView) -> Standing:
    """Whether the programs would ask for another database; of a table, whether they are those that were seen to work."""
    by_settings = _DATABASE.search(str(finding.detail)) is not None
    return by_credentials(finding, view) if by_settings else by_template(finding, view)


_TEMPLATE = cause(Facts, by_template)
_CREDENTIALS = cause(Facts, by_credentials)


def lock(finding: Finding[HeldLock], view: ClusterView) -> Standing:
    """Whether two pods may want the lock at one time."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    strategy = str(mapping(workload.obj, "spec", "strategy").get("type") or "RollingUpdate")
    if workload.kind != "Deployment" or not finding.facts.holder:
        return untold(say("proof.only_a_run", workload=workload.name))
    if strategy != "Recreate":
        return stands(say("proof.still", what="spec.strategy.type", value=strategy))
    if workload.desired > 1:
        return stands(say("proof.still", what="spec.replicas", value=str(workload.desired)))
    return gone(say("proof.volume.one_at_a_time", workload=workload.name))


#: By id of the class.
CAUSES: dict[str, Cause] = {
    "file_lock_held": cause(HeldLock, lock),
    "file_permission_denied": cause(Facts, writable),
    "crash_code": _TEMPLATE,
    "container_exits_at_once": _TEMPLATE,
    "bad_rollout": _TEMPLATE,
    "database_credentials_invalid": _CREDENTIALS,
    "credentials_refused": _CREDENTIALS,
    "database_schema_missing": cause(Facts, schema),
    "volume_permission_denied": cause(StoppedProgram, owner),
    "missing_env": cause(UnsetVariable, variable, certain=True),
    "crash_bad_config": cause(Facts, setting),
    "sidecar_port_conflict": cause(StoppedProgram, ports, certain=True),
    "zero_replicas": cause(ScaledToZero, replicas),
}

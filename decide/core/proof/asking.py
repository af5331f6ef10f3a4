"""What the families' questions share: the subject as it stands after a plan, and templates that were seen to work. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.credentials import another_user, read_from, secrets_of
from decide.core.drafting.revisions import Revision, revisions
from decide.core.findings import Finding
from decide.core.proof.counterfactual import seen
from decide.core.proof.standing import Standing, gone, stands, untold
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.pods import Container, configmaps_of
from manifests.objects.shapes import Obj, mapping
from manifests.objects.workloads import Workload

#: What a sentence is filled with.
Told = dict[str, str | int | float]
#: What of a container makes its program what it is; guards and sizes that a rollback leaves are none of that.
_PROGRAM = ("image", "command", "args", "env", "envFrom", "workingDir", "volumeMounts")


def subject(finding: Finding, view: ClusterView) -> Workload | None:
    """The finding's workload as the view has it; ``None`` where it has none."""
    workload = finding.facts.workload
    if workload is None:
        return None
    return view.workload(workload.kind, workload.namespace, workload.name)


def container(workload: Workload, name: str) -> Container | None:
    """The template's container of that name, else its only one."""
    found = workload.containers(init=True)
    plain = [c for c in found if not c.init]
    alone = plain[0] if len(plain) == 1 and not name else None
    return next((c for c in found if c.name == name), alone)


def same_program(now: Container, before: Workload) -> bool:
    """The container runs what it ran in ``before``, told the same."""
    was = container(before, now.name)
    keys = ("image", "command", "args", "env", "envFrom")
    return was is not None and all(now.spec.get(key) == was.spec.get(key) for key in keys)


def not_there(finding: Finding) -> Standing:
    """The subject cannot be asked."""
    return untold(say("proof.not_there", object=finding.object.key))


def worked(view: ClusterView, workload: Workload) -> Iterator[Revision]:
    """The workload's revisions that were seen to work, newest first; the template that fails now is none."""
    known = revisions(seen(view), workload)
    yield from (one for one in reversed(known[:-1]) if one.worked)


def as_it_worked(view: ClusterView, workload: Workload) -> Revision | None:
    """The revision that worked and whose programs and volumes are those of the template; ``None`` without one."""
    now = _programs(workload.spec)
    return next((one for one in worked(view, workload) if _programs(one.spec) == now), None)


def _programs(spec: Obj) -> list[tuple[object, ...]]:
    found = Workload("Pod", {"spec": spec}).containers(init=True)
    programs: list[tuple[object, ...]] = [
        (c.name, c.init, *(c.spec.get(key) or None for key in _PROGRAM)) for c in found
    ]
    volumes = spec.get("volumes") or None
    return [*programs, ("volumes", volumes)]


def _settings(view: ClusterView, workload: Workload) -> list[Obj]:
    """What the ConfigMaps hold that the pod spec reads."""
    names = configmaps_of(workload.spec)
    found = [view.get("configmaps", workload.namespace, name) or {} for name in names]
    return [mapping(config, "data") for config in found]


def by_template(finding: Finding, view: ClusterView) -> Standing:
    """For what only a run tells: the template that fails makes it, one that was seen to work does not."""
    workload = subject(finding, view)
    before = subject(finding, seen(view))
    if workload is None or before is None:
        return not_there(finding)
    if _programs(workload.spec) == _programs(before.spec):
        if _settings(view, workload) != _settings(seen(view), before):
            return untold(say("proof.only_a_run", workload=workload.name))
        return stands(say("proof.same_template", workload=workload.name))
    good = as_it_worked(view, workload)
    if good is not None and _refused(finding, view, workload):
        return untold(say("proof.credentials.outside", workload=workload.name))
    if good is not None:
        return gone(say("proof.as_worked", workload=workload.name, revision=good.number))
    return untold(say("proof.only_a_run", workload=workload.name))


#: What those outside of a template say who refuse its programs.
_REFUSALS = frozenset({"db_access_denied", "access_refused", "certificate", "db_read_only"})


def _refused(finding: Finding, view: ClusterView, after: Workload) -> bool:
    """Somebody else refuses its programs, and they would ask as they do now: what ran before may be refused too."""
    before = subject(finding, seen(view))
    said = [h for h in seen(view).hits(before) if h.signal in _REFUSALS] if before else []
    return before is not None and bool(said) and _asks_alike(before, after, said[-1].line)


def _asks_alike(before: Workload, after: Workload, line: str) -> bool:
    same = read_from(before.spec, line) == read_from(after.spec, line)
    return same and not another_user(before.spec, line)


def by_credentials(finding: Finding, view: ClusterView) -> Standing:
    """Whether the programs take their credentials from elsewhere, or show them to somebody else, than those that are refused."""
    workload = subject(finding, view)
    before = subject(finding, seen(view))
    if workload is None or before is None:
        return not_there(finding)
    same = _settings(view, workload) == _settings(seen(view), before)
    if same and _asks_alike(before, workload, str(finding.detail)):
        found = list(secrets_of(workload.spec))
        if found:
            return stands(say("proof.credentials.same", workload=workload.name, secrets=found))
        return stands(say("proof.credentials.unchanged", workload=workload.name))
    return by_template(finding, view)

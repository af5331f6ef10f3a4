"""A program that fails since a commit changed what it reads, and nothing else changed: the commit's values go back. Pure.

Nothing names the field, so the order of times has to tell: the template is older than the commit, the trouble is younger.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from decide.core.drafting.drafts import PlanDraft, patch
from decide.core.drafting.revisions import revisions
from decide.core.findings import Finding
from decide.core.view import ClusterView
from decide.core.written import WrittenField, is_open, same, written
from kfix.texts import say
from manifests.objects import paths
from manifests.objects.meta import condition, ref_of
from manifests.objects.pods import configmaps_of
from manifests.objects.times import instant
from manifests.objects.workloads import Workload

#: A commit that is older than this is not what broke now.
_RECENT = timedelta(days=1)
#: Fields of one commit: more are for people to read.
_MOST = 4


def settings_undone(finding: Finding, view: ClusterView) -> list[PlanDraft]:
    """The ConfigMaps' values of before the one commit that came between a template that ran and the trouble."""
    workload = finding.facts.workload
    if workload is None or not finding.kind.blames_no_setting:
        return []
    space = workload.namespace
    configs = [
        view.get("configmaps", space, n) for n in dict.fromkeys(configmaps_of(workload.spec))
    ]
    found = [
        (
            config,
            [
                one
                for one in written(view, ref_of(config, "ConfigMap", version="v1"))
                if _now(one, view)
            ],
        )
        for config in configs
        if config is not None
    ]
    took = [one for _, of in found for one in of]
    if not _to_blame(took, workload, view):
        return []
    changes = [
        change
        for config, of in found
        for change in patch(
            view,
            ref_of(config, "ConfigMap", version="v1"),
            config,
            [
                (one.where, one.before)
                for one in of
                if same(paths.find(config, one.path), one.after)
            ],
        )
    ]
    if sum(len(change.fields) for change in changes) != len(took):
        return []  # the cluster does not have what the commit wrote
    fields = [f"{one.where.removeprefix('data.')} {one.before}" for one in took]
    return [
        PlanDraft(
            fix_kind="set_env",
            title=say("drafting.restored.title", fields=fields, workload=changes[0].object.name),
            why=say(
                "drafting.restored.since_commit",
                commit=took[0].commit[:10],
                file=took[0].file,
                workload=workload.name,
            ),
            changes=changes,
            weight=0.87,
            risks=[say("drafting.restored.order_of_times")],
        )
    ]


def _now(one: WrittenField, view: ClusterView) -> bool:
    """It was committed a short time before the alert."""
    at = view.bundle.alerted_at
    return one.at is not None and at - _RECENT <= one.at <= at


def _to_blame(took: Sequence[WrittenField], workload: Workload, view: ClusterView) -> bool:
    """One commit of few plain values, younger than the template and older than the trouble, by times that are known."""
    if len({one.commit for one in took}) != 1 or len(took) > _MOST:
        return False
    plain = all(isinstance(one.before, str) and is_open(one.before) for one in took)
    when, known = took[0].at, revisions(view, workload)
    made = known[-1].made if known else None
    own = [one.at for one in written(view, workload.ref)]
    if not plain or when is None or made is None or made > when:
        return False
    if any(at is None or at >= when for at in own):
        return False  # the workload changed with it, or since
    broke = instant(condition(workload.obj, "Available").get("lastTransitionTime"))
    return broke is not None and broke >= when

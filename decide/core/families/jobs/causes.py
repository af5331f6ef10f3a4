"""What keeps a job from running, or from ending in time."""

from __future__ import annotations

from decide.core.facts import Facts
from decide.core.families.jobs.facts import BatchWork
from decide.core.families.parts import Cause, cause
from decide.core.findings import Finding
from decide.core.proof.asking import by_template, not_there, subject
from decide.core.proof.standing import Standing, gone, stands, untold
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.shapes import at, number


def suspended(finding: Finding[BatchWork], view: ClusterView) -> Standing:
    """Whether it is suspended."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    if at(workload.obj, "spec", "suspend") is True:
        return stands(say("proof.still", what="spec.suspend", value="true"))
    return gone(say("proof.job.runs", workload=workload.name))


def deadline(finding: Finding[BatchWork], view: ClusterView) -> Standing:
    """Whether the deadline is the one that runs were stopped at."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    keys = (
        ("spec", "jobTemplate", "spec", "activeDeadlineSeconds")
        if workload.kind == "CronJob"
        else ("spec", "activeDeadlineSeconds")
    )
    now, was = (number(at(o, *keys)) for o in (workload.obj, finding.facts.workload.obj))
    if now == was:
        return by_template(finding, view)
    if now and now < was:
        return stands(say("proof.still", what="activeDeadlineSeconds", value=str(now)))
    return untold(
        say("proof.larger", what="activeDeadlineSeconds", before=str(was), after=str(now))
    )


#: By id of the class.
CAUSES: dict[str, Cause] = {
    "job_failing": cause(Facts, by_template),
    "job_deadline_exceeded": cause(BatchWork, deadline),
    "cron_suspended": cause(BatchWork, suspended),
}

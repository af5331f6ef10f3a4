"""What is drafted for jobs and cron jobs."""

from __future__ import annotations

from typing import Any

from decide.core.families.jobs import plans
from decide.core.families.jobs.facts import BatchWork
from tests.support.decide.clusters import Cluster
from tests.support.decide.drafted import Builder, drafted, shop

_TEMPLATE = {"spec": {"containers": [{"name": "main", "image": "i:1"}]}}


def _cron(seconds: int | None, *runs: tuple[str, str]) -> Cluster:
    """A cron job with this deadline, and runs by when they started and finished."""
    cluster = shop("cart")
    job: dict[str, Any] = {"template": _TEMPLATE}
    if seconds is not None:
        job["activeDeadlineSeconds"] = seconds
    spec = {"suspend": True, "jobTemplate": {"spec": job}}
    cluster.add("cronjobs", "web", api="batch/v1", kind="CronJob", spec=spec)
    for n, (start, end) in enumerate(runs):
        run = cluster.add("jobs", f"web-{n}", api="batch/v1", kind="Job", spec=job)
        run["metadata"]["ownerReferences"] = [
            {"kind": "CronJob", "name": "web", "controller": True}
        ]
        run["status"] = {"startTime": start, "completionTime": end}
    return cluster


def _drafts(builder: Builder, cluster: Cluster) -> list[str]:
    return drafted(builder, cluster, lambda w, _: BatchWork(workload=w))


def _run(minutes: str) -> tuple[str, str]:
    return "2026-05-04T10:00:00Z", f"2026-05-04T10:{minutes}Z"


def test_a_suspended_cron_job_runs_again() -> None:
    assert _drafts(plans.resume, _cron(None)) == [
        "other 0.82 jobs.suspended.title workload=web",
        "  why drafting.because detail=seen",
        "  risk jobs.suspended.risk",
        "  time drafting.time.seconds",
        "  batch/v1 CronJob/shop/web spec.suspend: true → false",
    ]


def test_a_deadline_grows_to_half_as_long_again_as_the_longest_run() -> None:
    cluster = _cron(600, _run("03:00"), _run("09:00"), _run("05:00"))
    assert _drafts(plans.deadline, cluster) == [
        "other 0.78 jobs.deadline.title seconds=840 workload=web",
        "  why jobs.deadline.why detail=seen longest=540 now=600",
        "  risk jobs.deadline.risk",
        "  time drafting.time.seconds",
        "  batch/v1 CronJob/shop/web spec.jobTemplate.spec.activeDeadlineSeconds: 600 → 840",
    ]


def test_a_deadline_grows_by_a_quarter_at_least_in_whole_minutes() -> None:
    assert (
        _drafts(plans.deadline, _cron(600, _run("07:00")))[-1]
        == "  batch/v1 CronJob/shop/web spec.jobTemplate.spec.activeDeadlineSeconds: 600 → 780"
    )
    assert (
        _drafts(plans.deadline, _cron(300, _run("03:20")))[-1]
        == "  batch/v1 CronJob/shop/web spec.jobTemplate.spec.activeDeadlineSeconds: 300 → 420"
    )
    assert (
        _drafts(plans.deadline, _cron(300, _run("04:30")))[-1]
        == "  batch/v1 CronJob/shop/web spec.jobTemplate.spec.activeDeadlineSeconds: 300 → 420"
    )


def test_a_deadline_far_from_what_runs_took_is_not_what_is_wrong() -> None:
    assert _drafts(plans.deadline, _cron(600, _run("05:59"))) == []
    assert _drafts(plans.deadline, _cron(600, _run("06:00"))) != []
    assert _drafts(plans.deadline, _cron(600)) == []
    assert _drafts(plans.deadline, _cron(None, _run("06:00"))) == []


def test_runs_that_have_not_ended_say_nothing() -> None:
    cluster = _cron(600, ("2026-05-04T10:00:00Z", ""), ("", "2026-05-04T10:10:00Z"))
    assert _drafts(plans.deadline, cluster) == []


def test_a_job_of_its_own_has_no_earlier_runs() -> None:
    cluster = shop("cart")
    spec = {"activeDeadlineSeconds": 60, "template": _TEMPLATE}
    cluster.add("jobs", "web", api="batch/v1", kind="Job", spec=spec)
    assert _drafts(plans.deadline, cluster) == []

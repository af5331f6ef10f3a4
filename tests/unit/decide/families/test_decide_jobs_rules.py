"""What the rules of jobs and cron jobs find, at which score, and where they stay silent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from decide.core.families.jobs.rules import find
from schemas.text import text_of
from tests.support.decide.clusters import AT, Cluster, Obj
from tests.support.decide.rules_say import found, heads, shop, whole


def _job(c: Cluster, name: str, owner: str = "", created: str = "") -> Obj:
    job = c.add("jobs", name, api="batch/v1", kind="Job", spec={}, status={"conditions": []})
    if owner:
        job["metadata"]["ownerReferences"] = [
            {"kind": "CronJob", "name": owner, "controller": True}
        ]
    if created:
        job["metadata"]["creationTimestamp"] = created
    return job


def _cron(c: Cluster, name: str = "nightly", **spec: object) -> Obj:
    return c.add("cronjobs", name, api="batch/v1", kind="CronJob", spec=spec, status={})


def _ends(job: Obj, kind: str, status: str = "True", **said: str) -> None:
    job["status"]["conditions"].append({"type": kind, "status": status, **said})


def test_a_job_that_failed_is_told_with_its_reason_and_message() -> None:
    c = shop("web")
    _ends(_job(c, "load"), "Failed", reason="BackoffLimitExceeded", message="after 6 tries")
    text = "jobs.failed job=load, message=after 6 tries, reason=BackoffLimitExceeded"
    assert whole(find, c) == [
        "0.75 job_failing of Job/shop/load",
        f"told: {text}",
        f"object Job/shop/load: {text}",
        "facts: BatchWork workload=Job load",
    ]


def test_a_job_out_of_time_is_told_as_such_and_needs_no_message() -> None:
    c = shop("web")
    _ends(_job(c, "load"), "Failed", reason="DeadlineExceeded")
    text = "jobs.failed_silently job=load, reason=DeadlineExceeded"
    assert whole(find, c) == [
        "0.88 job_deadline_exceeded of Job/shop/load",
        f"told: {text}",
        f"object Job/shop/load: {text}",
        "facts: BatchWork workload=Job load",
    ]


@pytest.mark.parametrize(("kind", "status"), [("Failed", "False"), ("Complete", "True")])
def test_a_job_that_did_not_fail_is_nothing_to_tell(kind: str, status: str) -> None:
    c = shop("web")
    _ends(_job(c, "load"), kind, status)
    assert heads(find, c) == []


@pytest.mark.parametrize(
    ("hours", "reason", "score"),
    [
        (5.99, "BackoffLimitExceeded", 0.75),
        (6, "BackoffLimitExceeded", 0.75),
        (6.01, "BackoffLimitExceeded", 0.4),
        (7, "DeadlineExceeded", 0.53),
    ],
)
def test_a_failure_of_more_than_six_hours_ago_is_hardly_the_cause(
    hours: float, reason: str, score: float
) -> None:
    c = shop("web")
    since = (AT - timedelta(hours=hours)).isoformat()
    _ends(_job(c, "load"), "Failed", reason=reason, lastTransitionTime=since)
    (one,) = found(find, c)
    assert one.score == pytest.approx(score)
    against = [text.id for text in map(text_of, one.against) if text is not None]
    assert against == (["jobs.long_ago"] if hours > 6 else [])


def test_the_last_run_that_ended_tells_of_a_cron_job() -> None:
    c = shop("web")
    _cron(c)
    _ends(_job(c, "a", "nightly", "2026-05-04T03:00:00Z"), "Failed", reason="BackoffLimitExceeded")
    _ends(_job(c, "z", "nightly", "2026-05-04T01:00:00Z"), "Complete")
    _ends(_job(c, "b", "nightly", "2026-05-04T02:00:00Z"), "Complete")
    _job(c, "c", "nightly", "2026-05-04T04:00:00Z")
    assert heads(find, c) == ["0.75 job_failing of CronJob/shop/nightly"]
    assert str(found(find, c)[0].detail).startswith("job a")


def test_a_run_that_ended_well_later_takes_a_failure_back() -> None:
    c = shop("web")
    _cron(c)
    _ends(_job(c, "a", "nightly", "2026-05-04T02:00:00Z"), "Failed", reason="BackoffLimitExceeded")
    _ends(_job(c, "b", "nightly", "2026-05-04T03:00:00Z"), "Complete")
    assert heads(find, c) == []


def test_runs_that_say_no_time_are_ordered_by_name() -> None:
    c = shop("web")
    _cron(c)
    _ends(_job(c, "nightly-2", "nightly"), "Failed", reason="BackoffLimitExceeded")
    _ends(_job(c, "nightly-1", "nightly"), "Complete")
    assert heads(find, c) == ["0.75 job_failing of CronJob/shop/nightly"]


def test_runs_of_another_namespace_do_not_count() -> None:
    c = shop("web")
    _cron(c)
    run = _job(c, "a", "nightly")
    run["metadata"]["namespace"] = "other"
    _ends(run, "Failed", reason="BackoffLimitExceeded")
    assert heads(find, c) == []


def _declare(c: Cluster, suspend: object) -> None:
    c.declared.append(
        {
            "kind": "CronJob",
            "metadata": {"name": "nightly", "namespace": "shop"},
            "spec": {"suspend": suspend},
        }
    )


@pytest.mark.parametrize(
    ("declared", "subject", "score"),
    [
        (None, "", 0.4),
        (None, "nightly", 0.85),
        (None, "web", 0.4),
        (False, "", 0.88),
        (False, "nightly", 0.88),
        (True, "", 0.25),
        (True, "nightly", 0.85),
    ],
)
def test_a_suspended_cron_job_counts_by_what_is_declared_and_what_the_alert_is_about(
    declared: bool | None, subject: str, score: float
) -> None:
    c = shop("web")
    _cron(c, suspend=True)
    if declared is not None:
        _declare(c, declared)
    (one,) = found(find, c.bundle(subject))
    assert (one.failure_class, one.object.key) == ("cron_suspended", "CronJob/shop/nightly")
    assert one.score == score


@pytest.mark.parametrize("suspend", [False, None, "true"])
def test_only_true_suspends(suspend: object) -> None:
    c = shop("web")
    _cron(c, suspend=suspend)
    assert heads(find, c) == []


def test_a_suspension_tells_of_the_last_run_and_what_the_repository_says() -> None:
    c = shop("web")
    _cron(c, suspend=True)["status"]["lastScheduleTime"] = "2026-05-02T11:00:00Z"
    _declare(c, suspend=False)
    text = "jobs.suspended.since last=decide.span.days days=2, hours=1"
    assert whole(find, c) == [
        "0.88 cron_suspended of CronJob/shop/nightly",
        f"told: {text}",
        f"object CronJob/shop/nightly: {text}",
        "repository: jobs.suspended.not_declared",
        "facts: BatchWork workload=CronJob nightly",
    ]


def test_a_suspension_that_the_repository_wants_says_where_it_is_declared() -> None:
    c = shop("web")
    _cron(c, suspend=True)
    _declare(c, suspend=True)
    assert whole(find, c) == [
        "0.25 cron_suspended of CronJob/shop/nightly",
        "told: jobs.suspended.told",
        "object CronJob/shop/nightly: jobs.suspended.told",
        "repository CronJob/shop/nightly: decide.declared_so field=suspend, path=a.yaml",
        "facts: BatchWork workload=CronJob nightly",
    ]


@pytest.mark.parametrize(
    ("reason", "score"),
    [
        ("UnparseableSchedule", 0.93),
        ("UnParseableCronJobSchedule", 0.93),
        ("UnknownTimeZone", 0.93),
        ("InvalidSchedule", 0.93),
        ("FailedNeedsStart", 0.88),
        ("TooManyMissedTimes", 0.85),
        ("JobAlreadyActive", 0.62),
        ("MissSchedule", 0.62),
        ("SawCompletedJob", None),
    ],
)
def test_a_cron_job_that_does_not_start_is_told_by_the_controller(
    reason: str, score: float | None
) -> None:
    c = shop("web")
    _cron(c)
    c.event("CronJob", "nightly", reason, "said so")
    assert [one.score for one in found(find, c)] == ([score] if score else [])


def test_of_several_reasons_the_surest_is_told_and_of_the_same_the_newest() -> None:
    c = shop("web")
    _cron(c)
    for reason, message, last in (
        ("UnknownTimeZone", "second", "2026-05-04T11:30:00Z"),
        ("UnknownTimeZone", "first", "2026-05-04T11:00:00Z"),
        ("MissSchedule", "third", "2026-05-04T11:59:00Z"),
    ):
        c.event("CronJob", "nightly", reason, message)
        c.objects["events"][-1]["lastTimestamp"] = last
    text = "jobs.not_starting message=second, reason=UnknownTimeZone"
    assert whole(find, c) == [
        "0.93 cron_not_starting of CronJob/shop/nightly",
        f"told: {text}",
        f"event CronJob/shop/nightly: {text}",
        "facts: BatchWork workload=CronJob nightly",
    ]


@pytest.mark.parametrize(
    ("last", "created", "score"),
    [
        ("2026-05-04T11:00:00Z", "2026-05-04T11:00:01Z", 0.3),
        ("2026-05-04T11:00:00Z", "2026-05-04T11:00:00Z", 0.93),
        ("2026-05-04T11:00:00Z", "2026-05-04T10:00:00Z", 0.93),
        ("2026-05-04T11:00:00Z", "", 0.93),
        ("", "2026-05-04T11:00:01Z", 0.93),
    ],
)
def test_a_run_after_the_event_shows_that_it_starts_again(
    last: str, created: str, score: float
) -> None:
    c = shop("web")
    _cron(c)
    _job(c, "run", "nightly", created)
    c.event("CronJob", "nightly", "UnknownTimeZone", "said so")
    c.objects["events"][-1]["lastTimestamp"] = last
    assert [one.score for one in found(find, c)] == [score]


def test_a_suspended_cron_job_is_not_told_as_one_that_does_not_start() -> None:
    c = shop("web")
    _cron(c, suspend=True)
    c.event("CronJob", "nightly", "MissSchedule", "said so")
    assert heads(find, c) == ["0.4 cron_suspended of CronJob/shop/nightly"]

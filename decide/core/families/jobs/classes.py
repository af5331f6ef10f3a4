"""Jobs and cron jobs."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, Family, of
from decide.core.families.jobs.facts import BatchWork

FAMILY = Family(
    id="jobs",
    shows_in=("pods", "controllers", "events"),
    mistaken_for=("crash_bad_config", "missing_env", "database_credentials_invalid", "bad_rollout"),
    look_at=("object", "jobs", "said"),
)
_one = of(FAMILY, "kubernetes.io: Workloads")

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="job_failing",
        en="The job keeps failing",
        fr="La tâche échoue",
        symptoms="failed pods of a job",
        evidence="Failed True: BackoffLimitExceeded, PodFailurePolicy",
        confounders="a dependency that is down",
        plans="what ran before; a hand-off with the exit code",
        handoff="code_defect",
        nature="symptom",
        of_a_callee=True,
        yields_to_causes=True,
    ),
    _one(
        id="job_deadline_exceeded",
        en="The job is stopped by its deadline",
        fr="La tâche est arrêtée par son délai",
        symptoms="failed jobs",
        evidence="Failed True: DeadlineExceeded",
        confounders="a job that hangs",
        plans="a deadline from how long it took before",
        handoff="code_defect",
        facts=BatchWork,
    ),
    _one(
        id="cron_suspended",
        en="The cron job is suspended",
        fr="La tâche planifiée est suspendue",
        symptoms="no job since the last schedule",
        evidence="spec.suspend true while the repository declares otherwise",
        evidence_fr="spec.suspend à true alors que le dépôt déclare le contraire",
        confounders="suspended on purpose",
        plans="resume it",
        severity="medium",
        facts=BatchWork,
    ),
    _one(
        id="cron_not_starting",
        en="The cron job's runs are skipped",
        fr="La tâche planifiée saute ses exécutions",
        symptoms="no job at the scheduled time",
        evidence="TooManyMissedTimes, FailedNeedsStart, JobAlreadyActive under concurrencyPolicy Forbid, UnknownTimeZone, UnparseableSchedule",
        evidence_fr="TooManyMissedTimes, FailedNeedsStart, JobAlreadyActive avec concurrencyPolicy Forbid, UnknownTimeZone, UnparseableSchedule",
        confounders="suspended",
        plans="",
        severity="medium",
    ),
)

"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.jobs import causes, plans, rules
from decide.core.families.jobs.facts import BatchWork
from decide.core.families.parts import Parts, repair

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "job_deadline_exceeded": repair(BatchWork, plans.deadline),
        "cron_suspended": repair(BatchWork, plans.resume),
    },
    causes=causes.CAUSES,
)

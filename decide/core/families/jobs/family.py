"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.jobs import plans, rules
from decide.core.families.parts import Parts

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "job_deadline_exceeded": plans.deadline,
        "cron_suspended": plans.resume,
    },
)

"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.certificates import plans, rules
from decide.core.families.parts import Parts

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "certificate_secret_missing": plans.tls_secret,
    },
)

"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.certificates import causes, plans, rules, told
from decide.core.families.certificates.facts import AbsentSecret, BadCertificate
from decide.core.families.parts import Parts, repair

PARTS = Parts(
    rules=(rules.find_issued, rules.find_refused, rules.find_absent, told.find_told),
    builders={
        "certificate_invalid": repair(BadCertificate, plans.issued),
        "certificate_secret_missing": repair(AbsentSecret, plans.tls_secret),
    },
    causes=causes.CAUSES,
)

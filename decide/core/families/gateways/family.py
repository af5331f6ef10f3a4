"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.gateways import causes, plans
from decide.core.families.gateways.facts import DeclaredRoute, WrongRoute
from decide.core.families.gateways.rules import attached, configured, references
from decide.core.families.parts import Parts, repair

PARTS = Parts(
    rules=(references.find, configured.find, attached.find),
    builders={
        "route_backend_mismatch": repair(WrongRoute, plans.route),
        "route_host_mismatch": repair(DeclaredRoute, plans.front),
        "gateway_not_programmed": repair(DeclaredRoute, plans.front),
    },
    causes=causes.CAUSES,
)

"""All families' rules and plans, by class id."""

from __future__ import annotations

from decide.core.families import modules
from decide.core.families.parts import Cause, Declared, Parts, Repair, Rule

PARTS: tuple[Parts, ...] = tuple(module.PARTS for module in modules("family"))
RULES: tuple[Rule, ...] = tuple(rule for parts in PARTS for rule in parts.rules)
BUILDERS: dict[str, Repair] = {k: v for parts in PARTS for k, v in parts.builders.items()}
SILENCES = {k: v for parts in PARTS for k, v in parts.silences.items()}
CAUSES: dict[str, Cause] = {k: v for parts in PARTS for k, v in parts.causes.items()}
DECLARED: tuple[Declared, ...] = tuple(one for parts in PARTS for one in parts.declared)

"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.leaders import rules
from decide.core.families.parts import Parts

PARTS = Parts(rules=(rules.find,))

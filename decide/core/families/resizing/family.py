"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts
from decide.core.families.resizing import rules

PARTS = Parts(rules=(rules.find,))

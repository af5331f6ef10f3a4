"""The pure part of safety: policy, the checks, and the verdict over them."""

from __future__ import annotations

from safety.core.checking import Edits, Findings, check_plan, render, validated
from safety.core.policy import Policy

__all__ = ["Edits", "Findings", "Policy", "check_plan", "render", "validated"]

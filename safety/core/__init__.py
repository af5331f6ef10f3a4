"""The pure part of safety: policy, the checks, and the verdict over them."""

from __future__ import annotations

from safety.core.policy import Policy
from safety.core.validation import Edits, Findings, check_plan, render, validated

__all__ = ["Edits", "Findings", "Policy", "check_plan", "render", "validated"]

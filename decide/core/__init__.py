"""The pure part of decide: view, rules, ranking, plans, and what a second opinion may change.

``answer(bundle) -> Verdict`` (all of it without a model), ``diagnose`` (rules and plans), ``question`` and ``opinion`` (the model's part),
``record`` (a verdict becomes a record).
"""

from __future__ import annotations

from decide.core.attempts import (
    alert_is_gone,
    another,
    as_alerted,
    as_of_now,
    without_alert,
)
from decide.core.deciding import diagnose, question_about
from decide.core.experience.admitting import without
from decide.core.experience.vetoes import without_lifted
from decide.core.nobody import answer
from decide.core.opinion import Verdict
from decide.core.record import (
    already_recovered,
    candidate,
    fingerprint_of,
    recovered,
    trouble_fingerprint,
)
from decide.core.strangers import not_ours

__all__ = [
    "Verdict",
    "alert_is_gone",
    "already_recovered",
    "another",
    "answer",
    "as_alerted",
    "as_of_now",
    "candidate",
    "diagnose",
    "fingerprint_of",
    "not_ours",
    "question_about",
    "recovered",
    "trouble_fingerprint",
    "without",
    "without_alert",
    "without_lifted",
]

"""What can become of a request, as values with a closed vocabulary of reasons: metrics count them, people read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Why a request is refused; nothing of it is kept.
Refusal = Literal[
    "no_token_configured",
    "token_missing",
    "token_wrong",
    "token_ambiguous",
    "signature_missing",
    "signature_wrong",
    "signature_stale",
    "signature_malformed",
    "too_large",
    "too_slow",
    "cut_off",
    "too_many_failures",
    "busy",
    "broker_away",
]
#: Why an authentic body is kept as a dead letter.
Malformation = Literal[
    "empty",
    "too_large",
    "unsupported_encoding",
    "broken_compression",
    "not_utf8",
    "nul_byte",
    "not_json",
    "not_an_object",
    "duplicate_keys",
    "too_deep",
    "too_many_fields",
    "nothing_to_go_on",
    "bad_value",
    "unencodable",
    "truncated",
]
#: Why an authentic event is ignored.
Indifference = Literal[
    "other_event",
    "other_branch",
    "foreign_fork",
    "own_action",
    "no_change_of_code",
    "partial_approval",
    "pipeline_under_way",
    "system_note",
    "edited_note",
    "opened_elsewhere",
    "no_trouble",
]


@dataclass(frozen=True, slots=True)
class RefusedDelivery:
    """No record, no dead letter. ``detail`` is for whoever sent it."""

    reason: Refusal
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Malformed:
    """To the dead letters. ``detail`` is for people and repeats nothing of the body."""

    reason: Malformation
    detail: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Understood, and not for us."""

    reason: Indifference

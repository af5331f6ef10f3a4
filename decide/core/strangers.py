"""Alerts about clusters that this instance is not connected to: nothing is diagnosed, people are told. Pure."""

from __future__ import annotations

from decide.core.opinion import Verdict
from kfix.texts import in_language, language_of, say
from schemas.context import ContextBundle
from schemas.places import ClusterClaim
from schemas.text import again

#: Names in one sentence.
_NAMES = 5
_ANOTHER = ("foreign", "unclaimed")


def not_ours(bundle: ContextBundle, *, language: str) -> Verdict | None:
    """The answer to an alert about another cluster; ``None`` where the cluster is ours, or a person handed it over."""
    claim = bundle.claim
    if claim.verdict not in _ANOTHER:
        return None
    return Verdict("needs_human", "another_cluster", _said(claim, language), None, ())


def _said(claim: ClusterClaim, language: str) -> str:
    named: str = ", ".join(claim.named[:_NAMES]) or say("decide.stranger.nobody")
    ours = {name.lower() for name in claim.own.split(", ")}
    others = [name for name in claim.named[:_NAMES] if name.lower() not in ours]
    if claim.verdict == "foreign" and 0 < len(others) < len(claim.named[:_NAMES]):
        text = say("decide.stranger.several", named=named, own=claim.own, others=", ".join(others))
    elif claim.verdict == "foreign":
        text = say("decide.stranger.foreign", named=named, own=claim.own)
    elif claim.own:
        text = say("decide.stranger.undecided", named=named, own=claim.own)
    else:
        text = say("decide.stranger.unclaimed", named=named)
    if claim.reason:
        reason = again(claim.reason, claim.reason_text)
        text = say("decide.stranger.with_reason", text=text, reason=reason)
    return in_language(text, language_of(language))

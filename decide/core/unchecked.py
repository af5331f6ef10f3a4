"""What could not be asked takes the place of an answer that its silence made. Pure."""

from __future__ import annotations

from decide.core.confidence import OPTIONAL
from decide.core.opinion import Verdict, determined
from kfix.texts import in_language, language_of, say
from schemas.context import ContextBundle, SourceStatus
from schemas.text import again, cut

#: Without the cluster's objects no answer stands, whatever logs and metrics say.
_OBJECTS = "kubernetes.objects"
#: Characters of one source's reason that people are shown.
_REASON = 160


def unchecked(bundle: ContextBundle) -> tuple[SourceStatus, ...]:
    """The sources of evidence that could not be asked: they did not answer, or refused. Not those that do not exist."""
    return tuple(
        status
        for status in bundle.sources
        if status.why in ("unanswered", "refused") and status.name not in OPTIONAL
    )


def honest(bundle: ContextBundle, verdict: Verdict, *, language: str) -> Verdict:
    """The verdict, or "could not be checked" where it rests on a source's silence.

    A cause that was found stands beside a silent source; "nothing is wrong" and "the evidence does not tell" do not.
    """
    silent = unchecked(bundle)
    blind = any(status.name == _OBJECTS for status in silent)
    open_ = not determined(verdict) or verdict.reason in ("not_enough_evidence", "ambiguous")
    if not silent or not (blind or open_):
        return verdict
    why = [say("decide.silent", name=s.name, reason=_reason(s)) for s in silent]
    said = in_language(say("decide.unchecked", why=why), language_of(language))
    return Verdict("needs_human", "not_checked", said, None, (), verdict.broken)


def _reason(status: SourceStatus) -> str:
    return cut(again(status.reason, status.reason_text), _REASON)

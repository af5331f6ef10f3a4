"""What could not be asked takes the place of an answer that its silence made. Pure."""

from __future__ import annotations

from decide.core.opinion import Verdict
from decide.core.record import determined
from schemas.context import ContextBundle, SourceStatus

#: Without the cluster's objects no answer stands, whatever logs and metrics say.
_OBJECTS = "kubernetes.objects"
_OPTIONAL = frozenset({"memory"})
#: Characters of one source's reason that people are shown.
_REASON = 160

_TEXTS = {
    "en": "This alert could not be checked because {why}. A person must look.",
    "fr": "Cette alerte n'a pas pu être vérifiée car {why}. Une personne doit regarder.",
}
_SILENT = {
    "en": "{name} could not be asked ({reason})",
    "fr": "{name} n'a pas pu être interrogé ({reason})",
}


def unchecked(bundle: ContextBundle) -> tuple[SourceStatus, ...]:
    """The sources of evidence that could not be asked: they did not answer, or refused. Not those that do not exist."""
    return tuple(
        status
        for status in bundle.sources
        if status.why in ("unanswered", "refused") and status.name not in _OPTIONAL
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
    one = _SILENT.get(language, _SILENT["en"])
    why = "; ".join(one.format(name=s.name, reason=s.reason[:_REASON]) for s in silent)
    said = _TEXTS.get(language, _TEXTS["en"]).format(why=why)
    return Verdict("needs_human", "not_checked", said, None, (), verdict.broken)

"""Asks K-Fix for an edit in a repository that was made."""

from __future__ import annotations

from dataclasses import dataclass

from kfix.infra.clients.renderers import Programs
from manifests.proposal.propose import set_fields
from manifests.refused import NotEditable
from manifests.repository.index import build
from manifests.repository.locate import Hints
from schemas.base import ObjectRef
from tools.repositories.judge import Real, Verdict, judged
from tools.repositories.making import MAKERS, Maker, made
from tools.repositories.model import Made


@dataclass(frozen=True)
class Asked:
    """One repository, what became of the question, and why."""

    seed: int
    made: Made
    verdict: Verdict
    #: What is wrong, or the files that a fix would change.
    why: str = ""
    #: What K-Fix said to refuse it.
    refused: str = ""


def edited(one: Made, programs: Programs) -> dict[str, str]:
    """The files after the edit. Raises NotEditable."""
    index = build(one.files, branches=("main",))
    ref = ObjectRef.parse(one.target.object)
    hints = Hints(one.env, live={one.target.object: one.target.live})
    edits = set_fields(index, ref, {one.asked.path: one.asked.value}, hints, programs)
    return {**one.files, **{edit.path: edit.after for edit in edits}}


def ask(seed: int, programs: Programs, real: Real, makers: tuple[Maker, ...] = MAKERS) -> Asked:
    """What becomes of a seed."""
    one = made(seed, makers)
    real.forget()
    try:
        after, refused = edited(one, programs), ""
    except NotEditable as refusal:
        after, refused = None, f"{refusal.code}: {refusal.refused.reason}"
    verdict, why = judged(one, after, real)
    return Asked(seed, one, verdict, why, refused)

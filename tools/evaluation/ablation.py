"""What each source of evidence contributes: every case again without it, all in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.evaluation.answers import mapping, truths
from tools.evaluation.run import Answers, apart
from tools.evaluation.score import Judged, judge_all
from tools.evaluation.sources import SOURCES

#: Confidence from which a wrong answer counts as confident: where plans are put forward.
CONFIDENT = 0.6


@dataclass(frozen=True, slots=True)
class Loss:
    """The cases without one source; ``source`` is empty for the whole evidence."""

    source: str
    judged: Sequence[Judged]

    @property
    def right(self) -> float:
        """Share of first answers with the right object and class."""
        return sum(one.at("both", 1) for one in self.judged) / len(self.judged)

    @property
    def confidence(self) -> float:
        """Mean confidence of the first answers."""
        return sum(one.confidence for one in self.judged) / len(self.judged)

    @property
    def crashes(self) -> int:
        """Cases without any answer."""
        return sum(one.status == "missing" or not one.predicted for one in self.judged)

    @property
    def wrong_fixes(self) -> list[str]:
        """Cases where a change was put forward on a wrong diagnosis."""
        return [one.truth.case for one in self.judged if one.fix == "wrong"]

    @property
    def confident(self) -> int:
        """Wrong first answers with a confidence that would have let a plan pass."""
        return sum(not one.at("both", 1) and one.confidence >= CONFIDENT for one in self.judged)


def measured(name: str, cases: Path, expected: Path) -> tuple[str, list[Loss]]:
    """What the cases are called and their losses, the first without any."""
    words = [word for source in SOURCES for word in ("--without", source)]
    answers: list[Answers] = apart(cases, *words)
    known = truths(expected)
    return name, [
        Loss(source, judge_all(known, found, mapping()))
        for source, found in zip(("", *SOURCES), answers, strict=True)
    ]


def table(measured: Sequence[tuple[str, list[Loss]]]) -> str:
    """In Markdown, the costliest loss first."""
    out = []
    for name, losses in measured:
        whole, *rest = losses
        out += [f"{name}, {len(whole.judged)} cases:", ""]
        out += [
            "| without | A@1 | cases lost | mean confidence | wrong at ≥ 0.6 | wrong fixes | crashes |",
            "| --- | --: | --: | --: | --: | --: | --: |",
        ]
        for loss in [whole, *sorted(rest, key=lambda one: (one.right, one.source))]:
            lost = round((whole.right - loss.right) * len(whole.judged))
            out.append(
                f"| {loss.source or '(nothing)'} | {loss.right:.2f} | {lost} | {loss.confidence:.3f} "
                f"| {loss.confident} | {len(loss.wrong_fixes)} | {loss.crashes} |"
            )
        out.append("")
    return "\n".join(out) + "\n"

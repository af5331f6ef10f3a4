"""``python -m tools.evaluation calibrate``: looks at cases, fits, shows what the fit is worth, and writes it down.

Without ``--cases`` it repeats the fit on what is stored. ``--name`` says what a folder of cases is called in the store.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tools.evaluation.fit import (
    Seen,
    Terms,
    Told,
    across,
    brier,
    error,
    fit,
    held_out,
    look,
    reliability,
    store,
    stored,
)

_ROOT = Path(__file__).parents[2]
FITTED = _ROOT / "decide/core/weights.py"
PAGE = _ROOT / "docs/evaluation.md"
_SECTION = re.compile(r"(?<=<!-- calibration -->\n).*?(?=<!-- /calibration -->)", re.DOTALL)


def calibrate(pairs: Sequence[tuple[str, Path, Path]], *, write: bool) -> str:
    """The section for the paper, after a new look at ``pairs`` (name, cases, answers); ``write`` keeps everything."""
    seen, notes = stored()
    for name, cases, expected in pairs:
        seen = [one for one in seen if one.collection != name] + look(name, cases, expected)
        notes.setdefault(name, "")
    weights = fit(seen)
    said = section(seen, notes, weights)
    if write:
        store(seen, notes)
        FITTED.write_text(module(weights))
        PAGE.write_text(with_section(PAGE.read_text(), said))
    return said


def module(weights: Terms) -> str:
    """The text of ``decide/core/weights.py``."""
    return (
        '"""The numbers of ``confidence.py``. Written by ``python -m tools.evaluation calibrate --write``; not by hand."""\n\n'
        f"#: Constant, belief, lead, blind, missing, quiet.\nWEIGHTS = {weights}\n"
    )


def with_section(page: str, section: str) -> str:
    """The page with this section."""
    return _SECTION.sub(lambda _: section, page)


def section(seen: Sequence[Seen], notes: dict[str, str], weights: Terms) -> str:
    """What was seen, what was fitted, and how right it is where it was not fitted. Markdown."""
    held, foreign = held_out(seen), across(seen)
    raw = [Told(one, min(0.99, max(0.02, one.signs.belief))) for one in seen]
    out = [
        "| cases | number | right with all evidence | what they are |",
        "| --- | --: | --: | --- |",
    ]
    for name, note in notes.items():
        whole = [one for one in seen if one.collection == name and one.whole]
        right, cases = sum(s.right for s in whole), sum(s.right + s.wrong for s in whole)
        out.append(f"| {name} | {cases:.0f} | {right:.0f} | {note} |")
    out += [
        "",
        f"Weights: constant {weights[0]}, belief {weights[1]}, lead {weights[2]}, blind {weights[3]}, missing {weights[4]}, quiet {weights[5]}.",
        "",
    ]
    out += ["| | calibration error | Brier score |", "| --- | --: | --: |"]
    for title, told in (
        ("the rules' belief, taken as confidence", raw),
        ("confidence, on folds that were not fitted", held),
        ("… with all evidence", [t for t in held if t.seen.whole]),
        ("… with sources taken away", [t for t in held if not t.seen.whole]),
        ("confidence, on collections that were not fitted", foreign),
    ):
        out.append(f"| {title} | {error(reliability(told)):.3f} | {brier(told):.3f} |")
    for title, told in (
        ("Folds that were not fitted", held),
        ("Collections that were not fitted", foreign),
    ):
        out += [
            "",
            f"{title}:",
            "",
            "| confidence | cases | mean | right |",
            "| --- | --: | --: | --: |",
        ]
        out += [
            f"| ≤ {b.top:g} | {b.cases:.1f} | {b.mean:.3f} | {b.right:.3f} |"
            for b in reliability(told)
        ]
    return "\n".join(out) + "\n"

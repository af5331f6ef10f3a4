"""How well each embedder finds the same trouble again, on folders of captured cases: leave one out.

    python -m tools.evaluation.memory CASES EXPECTED

For each case, the nearest of all others: how often it has the same root cause, and what the cosines are. A threshold is
good when what is above it is mostly the same trouble, and the same trouble is mostly above it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from enrich.adapters.capture import read_capture
from kfix.incident.signature import signature
from kfix.infra.memory.embedding import Embedder, HashingEmbedder
from kfix.infra.memory.minilm import MiniLMEmbedder
from kfix.offline.diagnose import bundle_of, opened

_STEPS = tuple(round(0.30 + 0.05 * step, 2) for step in range(14))


@dataclass(frozen=True, slots=True)
class Told:
    """A case: what is wrong, and its masked signature."""

    cause: str
    text: str


@dataclass(frozen=True, slots=True)
class Quality:
    """Of one embedder. Shares of all cases; ``by_threshold``: (threshold, share whose cause comes back, precision of what does)."""

    model: str
    nearest: float
    among_three: float
    by_threshold: tuple[tuple[float, float, float], ...]


def measured(model: str, cases: Sequence[Told], vectors: Sequence[NDArray[np.float32]]) -> Quality:
    """Leave one out: each case against all others."""
    stacked = np.stack(vectors)
    near = stacked @ stacked.T
    np.fill_diagonal(near, -np.inf)
    same: NDArray[np.bool_] = np.asarray(
        [[one.cause == other.cause for other in cases] for one in cases]
    )
    np.fill_diagonal(same, False)
    asked = np.any(same, axis=1, keepdims=True)[:, 0]
    order = np.argsort(-near, axis=1, kind="stable")
    first = same[np.arange(len(cases)), order[:, 0]]
    three = np.any(np.take_along_axis(same, order[:, :3], axis=1), axis=1, keepdims=True)[:, 0]
    rows = []
    for threshold in _STEPS:
        above = np.take_along_axis(near, order[:, :3], axis=1) >= threshold
        right = np.take_along_axis(same, order[:, :3], axis=1) & above
        back = np.any(right, axis=1, keepdims=True)[asked, 0].mean()
        rows.append((threshold, float(back), float(right.sum() / max(1, above.sum()))))
    return Quality(
        model,
        float(first[asked].mean()),
        float(three[asked].mean()),
        tuple(rows),
    )


def page(found: Sequence[Quality]) -> str:
    """The tables in Markdown."""
    lines = ["| model | nearest | among three |", "| --- | --- | --- |"]
    lines += [f"| `{q.model}` | {q.nearest:.2f} | {q.among_three:.2f} |" for q in found]
    for q in found:
        lines += ["", f"`{q.model}`: threshold, share of cases whose cause comes back, precision"]
        lines += [f"{t:.2f} {back:.2f} {precision:.2f}" for t, back, precision in q.by_threshold]
    return "\n".join(lines) + "\n"


def told(cases: Path, expected: Path) -> list[Told]:
    """Every case with an answer and a signature, by name."""
    found = []
    for folder in sorted(cases.iterdir()):
        answer = expected / f"{folder.name}.json"
        if not answer.is_file():
            continue
        truth = orjson.loads(answer.read_bytes())
        with opened(folder) as case:
            text = signature(bundle_of(case, read_capture(case.dump, case.repository, case.folder)))
        if text:
            found.append(Told(str(truth["root_cause"]), text))
    return found


async def _all(cases: Sequence[Told]) -> list[Quality]:
    embedders: list[Embedder] = [HashingEmbedder(), MiniLMEmbedder()]
    texts = [case.text for case in cases]
    return [measured(e.model, cases, await e.embed_all(texts)) for e in embedders]


def main(arguments: Sequence[str]) -> int:
    """Prints the tables."""
    cases = told(Path(arguments[0]), Path(arguments[1]))
    sys.stdout.write(f"{len(cases)} cases\n\n" + page(asyncio.run(_all(cases))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

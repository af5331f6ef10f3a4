"""Diagnoses folders of cases, here or at another git revision, in a process that is given the cases alone.

``python -m tools.evaluation.run CASES [--shuffle SEED] [--signs] [--without A,B]…`` prints one JSON object: answers by case, or,
with ``--without``, a list of such objects, the first without any loss. ``--signs`` gives what confidence is made of instead
of plans.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from schemas.context import ContextBundle
from tools.evaluation.rename import renaming_of

Answers = dict[str, dict[str, Any]]
#: A case's name, its evidence and the repository's files, to an answer.
Diagnose = Callable[[str, ContextBundle, Mapping[str, bytes]], dict[str, Any]]


def diagnose_all(folder: Path, seed: int | None = None) -> Answers:
    """Every case below ``folder``, by name. With a ``seed`` names are shuffled before and put back in the answers."""
    return diagnose_without(folder, ((),), seed)[0]


def diagnose_without(
    folder: Path,
    losses: Sequence[Sequence[str]],
    seed: int | None = None,
    *,
    diagnose: Diagnose | None = None,
    copies: int | None = None,
) -> list[Answers]:
    """Every case, once for each set of sources that is taken away. ``milliseconds`` are the rules' alone.

    With ``copies`` a case lacks only so many of the sets, other ones for each case.
    """
    how = diagnose or _whole
    out: list[Answers] = [{} for _ in losses]
    for path in sorted(p for p in folder.iterdir() if (p / "alert.json").is_file()):
        turns = _turns(path.name, len(losses), copies)
        mine = [losses[turn] for turn in turns]
        found = _shuffled(path, seed, mine, how) if seed is not None else _diagnose(path, mine, how)
        for turn, result in zip(turns, found, strict=True):
            out[turn][path.name] = result
    return out


def _turns(name: str, sets: int, copies: int | None) -> list[int]:
    """Which of the sets a case is diagnosed with: the first, which takes nothing away, and ``copies`` others."""
    if copies is None or copies >= sets - 1:
        return list(range(sets))
    return [0, *sorted(random.Random(name).sample(range(1, sets), copies))]


def _whole(name: str, bundle: ContextBundle, files: Mapping[str, bytes]) -> dict[str, Any]:
    from kfix.offline import diagnose as diagnosing

    return dict(diagnosing.diagnose_bundle(name, bundle, files))


def _signs(name: str, bundle: ContextBundle, files: Mapping[str, bytes]) -> dict[str, Any]:
    """The ranked answer with the signs of its first finding; neither plans nor checks."""
    from decide.core.confidence import signs
    from decide.core.diagnosis import diagnose
    from decide.core.makeup import makeup

    found = diagnose(bundle)
    said = [
        {"failure_class": h.failure_class, "object": h.object.key, "confidence": h.confidence}
        for h in found.analysis.hypotheses
    ]
    told = asdict(signs(found.findings[0], found.findings, found.view))
    told_of = {"signs": told, "makeup": makeup(found.view)}
    return {"status": found.status, "ai_analysis": said[0], "hypotheses": said, **told_of}


def _diagnose(
    path: Path, losses: Sequence[Iterable[str]], diagnose: Diagnose
) -> list[dict[str, Any]]:
    from enrich.adapters.capture import read_capture
    from kfix.offline import diagnose as diagnosing
    from tools.evaluation.sources import without

    try:
        case = diagnosing.case_of(path)
        capture = read_capture(case.dump, case.repository, case.folder)
        bundle = diagnosing.bundle_of(case, capture)
    except Exception as error:  # noqa: BLE001 -- a crash is a wrong answer of that case
        return [diagnosing.failure(path.name, error) for _ in losses]
    out: list[dict[str, Any]] = []
    for lost in losses:
        started = time.perf_counter()
        try:
            files = {} if "manifests" in lost else capture.files
            result = diagnose(case.name, without(bundle, lost), files)
        except Exception as error:  # noqa: BLE001
            result = diagnosing.failure(path.name, error)
        whole_ms = (time.perf_counter() - started) * 1000
        result["milliseconds"] = result.get("rules_ms", whole_ms)
        out.append(result)
    return out


def _shuffled(
    path: Path, seed: int, losses: Sequence[Iterable[str]], diagnose: Diagnose
) -> list[dict[str, Any]]:
    files = {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}
    renaming = renaming_of(files, seed)
    back = {new: old for old, new in renaming.names.items()}
    with tempfile.TemporaryDirectory() as place:
        root = Path(place, "case")
        for name, raw in renaming.files(files).items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(raw)
        found = _diagnose(root, losses, diagnose)
    return [_restored(result, back) for result in found]


def _restored(result: dict[str, Any], back: Mapping[str, str]) -> dict[str, Any]:
    """The answer with the objects that it names under their old names."""
    for said in (result.get("ai_analysis") or {}, *(result.get("hypotheses") or ())):
        if "object" in said:
            parts = str(said["object"]).split("/")
            said["object"] = "/".join(back.get(part, part) for part in parts)
    for change in (result.get("recommended_action") or {}).get("kubernetes_changes") or ():
        change |= {key: back.get(change[key], change[key]) for key in ("namespace", "name")}
    return result


def apart(folder: Path, *options: str, place: Path | None = None) -> Any:
    """What this module prints for ``folder``, run from ``place`` in a process that knows no other path.

    Raises subprocess.CalledProcessError when that fails.
    """
    root = place or Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "tools.evaluation.run", str(folder.resolve()), *options],
        cwd=root,
        check=True,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"},
    )
    return orjson.loads(done.stdout)


def diagnose_at(revision: str, folder: Path) -> Answers:
    """The answers of another revision's code, in a worktree of its own.

    Raises subprocess.CalledProcessError when the revision is unknown or its code does not run.
    """
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place, "tree")
        _git("worktree", "add", "--detach", "--quiet", str(tree), revision)
        try:
            answers: Answers = apart(folder, place=tree)
        finally:
            _git("worktree", "remove", "--force", str(tree))
    return answers


def _git(*words: str) -> None:
    subprocess.run(["git", *words], check=True, cwd=Path(__file__).parent)


def main(arguments: list[str] | None = None) -> int:
    """Prints the answers as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tools.evaluation.run", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shuffle", type=int)
    parser.add_argument("--signs", action="store_true")
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--copies", type=int)
    options = parser.parse_args(arguments)
    losses = [(), *(tuple(lost.split(",")) for lost in options.without)]
    how = _signs if options.signs else _whole
    found = diagnose_without(
        options.folder, losses, options.shuffle, diagnose=how, copies=options.copies
    )
    sys.stdout.buffer.write(orjson.dumps(found if options.without else found[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

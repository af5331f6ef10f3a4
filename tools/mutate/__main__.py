"""`python -m tools.mutate AREA [--count 80] [--seed 1] [--fresh]`: the faults that the tests do not notice."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult

from tools.mutate import child
from tools.mutate.areas import AREAS, Area
from tools.mutate.covering import Covering, measure
from tools.mutate.sampling import Fault, mutated, sample

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "var" / "mutate"
#: Faults that change nothing anybody could see, each with its reason.
EQUIVALENT = ROOT / "tests" / "mutants_without_effect.yaml"
#: Seconds that a fault's tests may take beyond three times what they took without it.
_PATIENCE_S = 20.0


def main(arguments: Sequence[str]) -> int:
    """Plants the sample's faults; 0 also when some are not noticed: that is what it tells."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutate", description=__doc__)
    parser.add_argument("area", choices=sorted(AREAS))
    parser.add_argument("--count", type=int, default=80, help="faults, at most (80)")
    parser.add_argument("--seed", type=int, default=1, help="which faults (1)")
    parser.add_argument("--only", default="", help="only faults in files whose path has this in it")
    parser.add_argument("--fresh", action="store_true", help="forget kept results and coverage")
    given = parser.parse_args(arguments)
    area = AREAS[given.area]
    database = RESULTS / f"{given.area}-{given.seed}.sqlite"
    kept = RESULTS / f"{given.area}-coverage.json"
    if given.fresh:
        database.unlink(missing_ok=True)
        kept.unlink(missing_ok=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    child.preload()
    with _scratch() as scratch, use_db(database, WorkDB.Mode.create) as work:
        paths = [path for path in area.source_files(scratch) if given.only in path]
        faults = sample(scratch, paths, count=given.count, seed=given.seed)
        covering = measure(area, scratch, kept)
        _try_all(work, faults, area, scratch, covering)
        return _tell(given.area, given.seed, work, faults)


@contextmanager
def _scratch() -> Iterator[Path]:
    """A copy of what git knows or would know, in a temporary folder."""
    listed = subprocess.run(
        ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"),
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    with tempfile.TemporaryDirectory(prefix="kfix-mutate-") as folder:
        scratch = Path(folder).resolve()
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (scratch / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, scratch / name)
        yield scratch


def _try_all(
    work: WorkDB, faults: Sequence[Fault], area: Area, scratch: Path, covering: Covering
) -> None:
    """What was noticed stays noticed; what was not is tried again, since tests may have come."""
    known = {item.job_id for item in work.work_items}
    work.add_work_items([fault.item for fault in faults if fault.id not in known])
    noticed = {id_ for id_, result in work.results if result.is_killed}
    for number, fault in enumerate(faults, 1):
        if fault.id in noticed or _without_effect(fault):
            continue
        started = time.monotonic()
        result = _try(fault, scratch, covering)
        work.set_result(fault.id, result)
        told = "noticed" if result.is_killed else "NOT NOTICED"
        took = time.monotonic() - started
        print(
            f"{number:>3}/{len(faults)} {told:<11} {took:5.1f} s {fault.place}: {result.output}",
            flush=True,
        )


def _try(fault: Fault, scratch: Path, covering: Covering) -> WorkResult:
    spec = fault.item.mutations[0]
    module = scratch / fault.path
    text = module.read_text()
    tests = covering.of(fault.path, text, fault.line)
    diff = f"- {fault.before}\n+ {fault.after}"
    if not tests:
        return WorkResult(WorkerOutcome.NO_TEST, "no test comes here", TestOutcome.SURVIVED, diff)
    try:
        module.write_text(mutated(scratch, spec) or text)
        files = sorted({test.split("::")[0] for test in tests})
        allowed = 3 * covering.seconds(tests) + _PATIENCE_S
        seen = child.run(scratch, files, chosen=tests, timeout_s=allowed)
    finally:
        module.write_text(text)
    if seen is None:
        return WorkResult(
            WorkerOutcome.ABNORMAL, "it never ended or died", TestOutcome.KILLED, diff
        )
    if seen.code == 0:
        output = f"{len(tests)} tests pass"
        return WorkResult(WorkerOutcome.NORMAL, output, TestOutcome.SURVIVED, diff)
    output = seen.failed[0] if seen.failed else "the tests cannot be collected"
    return WorkResult(WorkerOutcome.NORMAL, output, TestOutcome.KILLED, diff)


def _without_effect(fault: Fault) -> bool:
    listed = yaml.safe_load(EQUIVALENT.read_text()) if EQUIVALENT.exists() else []
    return any(
        (one["file"], one["line"], one["becomes"]) == (fault.path, fault.before, fault.after)
        for one in listed or ()
    )


def _tell(name: str, seed: int, work: WorkDB, faults: Sequence[Fault]) -> int:
    """The rate, and what was not noticed."""
    results = dict(work.results)
    tried = [fault for fault in faults if not _without_effect(fault)]
    unnoticed = [fault for fault in tried if not results[fault.id].is_killed]
    print()
    for fault in unnoticed:
        print(f"{fault.place}  ({results[fault.id].output})\n    - {fault.before}")
        print(f"    + {fault.after}")
    files = Counter(fault.path for fault in unnoticed)
    if files:
        print("most in: " + ", ".join(f"{path} {n}" for path, n in files.most_common(5)))
    rate = 1 - len(unnoticed) / len(tried) if tried else 1.0
    skipped = len(faults) - len(tried)
    print(
        f"{name}, seed {seed}: {len(tried) - len(unnoticed)} of {len(tried)} noticed, {rate:.2f}"
        + (f"; {skipped} without effect" if skipped else "")
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

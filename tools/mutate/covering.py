"""Which tests execute which statement of an area, measured once and kept."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.mutate import child
from tools.mutate.areas import Area

#: Seconds of tests that a fault is tried with, as they were measured (coverage slows them down two to three times); the
#: rest of the tests that reach it are left out.
_BUDGET_S = 75.0
#: Of these, the seconds for the tests that execute least, before those that look at everything are asked.
_SMALL_S = 10.0


class Covering:
    """Of each test of an area: its seconds, and the lines that it executes."""

    def __init__(self, tests: dict[str, dict[str, Any]], whole: Sequence[str] = ()) -> None:
        self._tests = tests
        self._whole = set(whole)
        self._sizes = {
            test: sum(map(len, known["lines"].values())) for test, known in tests.items()
        }

    def of(self, path: str, text: str, line: int) -> list[str]:
        """The tests that execute the statement, within the budget of seconds: some that execute least, those that look at
        everything, then the rest.

        What runs at import is asked of some tests that are most about the module, of those that look at everything, the
        quick ones first, then of all in the files of those that execute anything of the module.
        """
        wanted = _statement(text, line)
        files = {t.split("::")[0] for t, known in self._tests.items() if path in known["lines"]}
        first = [t for t in self._tests if wanted is None and t.split("::")[0] in self._whole]
        first.sort(key=lambda test: float(self._tests[test]["seconds"]))
        reach = [
            test
            for test, known in self._tests.items()
            if (wanted is None and test.split("::")[0] in files)
            or (wanted is not None and wanted & set(known["lines"].get(path, ())))
        ]
        ordered = sorted(set(reach) - set(first), key=lambda test: (self._sizes[test], test))
        if wanted is None:
            ordered.sort(key=lambda test: -self._share(test, path))
        small = self._within(ordered, _SMALL_S)
        rest = [test for test in ordered if test not in set(small)]
        rest.sort(key=lambda test: test.split("::")[0] not in self._whole)
        return self._within([*small, *first, *rest], _BUDGET_S)

    def _share(self, test: str, path: str) -> float:
        """The part of what the test executes that stands in the module, 0 to 1."""
        return len(self._tests[test]["lines"].get(path, ())) / max(1, self._sizes[test])

    def _within(self, tests: Sequence[str], seconds: float) -> list[str]:
        """The first of ``tests`` that together take no longer, at least one."""
        found: list[str] = []
        spent = 0.0
        for test in tests:
            spent += self._tests[test]["seconds"]
            if found and spent > seconds:
                break
            found.append(test)
        return found

    def seconds(self, tests: Sequence[str]) -> float:
        """What these tests took without a fault."""
        return sum(float(self._tests[test]["seconds"]) for test in tests)


def measure(area: Area, scratch: Path, kept: Path) -> Covering:
    """Measures the files of tests that changed since they were last measured; all when a source did.

    A changed file of tests/support does not count as a change: FRESH=1 measures everything again.
    """
    sources = area.source_files(scratch)
    state = _digest(scratch, sources)
    known = json.loads(kept.read_text()) if kept.exists() else {}
    if known.get("sources") != state:
        known = {"sources": state, "files": {}}
    files = {file: _digest(scratch, [file]) for file in area.test_files(scratch)}
    stale = [f for f, digest in files.items() if known["files"].get(f, {}).get("digest") != digest]
    if stale:
        seen = child.run(scratch, stale, measured=sources, timeout_s=1800)
        if seen is None or seen.code not in (0, 1):
            raise SystemExit(f"the tests do not run:\n{(scratch / '.mutate-out').read_text()}")
        if seen.failed:
            print(f"left out, failing without a fault: {', '.join(sorted(set(seen.failed)))}")
        for file in stale:
            tests = {
                test: {"seconds": seen.seconds[test], "lines": seen.lines.get(test, {})}
                for test in seen.passed
                if test.split("::")[0] == file and test not in seen.failed
            }
            known["files"][file] = {"digest": files[file], "tests": tests}
    known["files"] = {file: found for file, found in known["files"].items() if file in files}
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(known))
    tests = {t: k for found in known["files"].values() for t, k in found["tests"].items()}
    return Covering(tests, area.whole)


def _digest(root: Path, paths: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path}\0".encode() + (root / path).read_bytes())
    return digest.hexdigest()


def _statement(text: str, line: int) -> set[int] | None:
    """Lines of the innermost statement at ``line``, of a compound one its head; ``None`` for what runs at import."""
    best: tuple[int, int] | None = None
    for function in ast.walk(ast.parse(text)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in (n for part in function.body for n in ast.walk(part)):
            if isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
                first, last = _head(node)
                if first <= line <= last and (best is None or last - first <= best[1] - best[0]):
                    best = first, last
    return None if best is None else set(range(best[0], best[1] + 1))


def _head(node: ast.AST) -> tuple[int, int]:
    body = getattr(node, "body", None)
    if isinstance(node, ast.match_case):
        return node.pattern.lineno, (node.guard or node.pattern).end_lineno or node.pattern.lineno
    first, last = int(node.lineno), int(node.end_lineno or node.lineno)  # type: ignore[attr-defined]
    if isinstance(body, list) and body:
        return first, max(first, body[0].lineno - 1)
    return first, last

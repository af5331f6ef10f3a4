"""What can be mutated, and where the tests of it stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: What a sample leaves out: needs a real part, or takes more than ten seconds.
MARKS = "not kafka and not kube and not postgres and not registry and not browser and not render and not slow"


@dataclass(frozen=True, slots=True)
class Area:
    """Patterns of source files and of test files, relative to the repository's root. ``but``: left-out sources."""

    sources: Sequence[str]
    tests: Sequence[str]
    but: Sequence[str] = ()
    #: Files of tests that look at everything an area says, asked first of what runs at import.
    whole: Sequence[str] = ()

    def source_files(self, root: Path) -> list[str]:
        """The area's modules, sorted."""
        left_out = {path for pattern in self.but for path in root.glob(pattern)}
        found = {path for pattern in self.sources for path in root.glob(pattern)}
        return sorted(str(path.relative_to(root)) for path in found - left_out)

    def test_files(self, root: Path) -> list[str]:
        """The area's files of tests, sorted."""
        found = {path for pattern in self.tests for path in root.glob(pattern)}
        return sorted(str(path.relative_to(root)) for path in found)


_DECIDE = ("tests/unit/decide/**/test_*.py", "tests/arch/test_arch_classes.py")
_ANSWERS = (
    "tests/unit/decide/test_decide_answers.py",
    "tests/unit/decide/test_decide_taxonomy.py",
    "tests/unit/decide/test_decide_log_lines.py",
    "tests/arch/test_arch_classes.py",
)
AREAS = {
    "rules": Area(
        (
            "decide/core/*.py",
            "decide/core/families/*/rules.py",
            "decide/core/families/*/rules/*.py",
            "decide/core/families/*/classes.py",
        ),
        _DECIDE,
        but=("decide/core/weights.py", "decide/core/version.py"),
        whole=_ANSWERS,
    ),
    "plans": Area(
        (
            "decide/core/drafting/**/*.py",
            "decide/core/families/*/plans.py",
            "decide/core/families/*/plans/*.py",
        ),
        _DECIDE,
        whole=_ANSWERS,
    ),
    "manifests": Area(
        ("manifests/**/*.py",),
        (
            "tests/unit/manifests/**/test_*.py",
            "tests/contract/test_render_edit.py",
            "tests/contract/test_render_helm.py",
            "tests/contract/test_render_kustomize.py",
        ),
        whole=(
            "tests/unit/manifests/test_manifests_answers.py",
            "tests/unit/manifests/test_manifests_odd_installers.py",
            "tests/unit/manifests/test_manifests_ways.py",
        ),
    ),
    "safety": Area(
        ("safety/core/**/*.py", "safety/service/**/*.py"),
        ("tests/unit/safety/**/test_*.py", "tests/contract/test_safety_*.py"),
        whole=("tests/unit/safety/test_safety_answers.py",),
    ),
    "runtime": Area(
        ("kfix/engine/**/*.py",),
        (
            "tests/unit/kfix/engine/**/test_*.py",
            "tests/unit/kfix/test_kfix_paper.py",
            "tests/pipeline/test_runtime_in_process.py",
            "tests/pipeline/test_runtime_put_back.py",
        ),
        whole=(
            "tests/unit/kfix/test_kfix_paper.py",
            "tests/unit/kfix/engine/runtime/test_runtime_rules.py",
            "tests/unit/kfix/engine/runtime/test_runtime_models.py",
            "tests/unit/kfix/engine/broker/test_broker_clients.py",
        ),
    ),
    "publish": Area(
        ("publish/core/**/*.py", "publish/service/**/*.py"),
        ("tests/unit/publish/**/test_*.py", "tests/contract/test_publish_*.py"),
    ),
    "learn": Area(
        ("learn/core/**/*.py", "learn/service/**/*.py"),
        ("tests/unit/learn/**/test_*.py", "tests/contract/test_learn_*.py"),
    ),
}

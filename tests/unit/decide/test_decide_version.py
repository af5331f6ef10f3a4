"""The version of the rules: a digest of what decides, wherever it is installed."""

from __future__ import annotations

import compileall
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decide.core.version import RULES_VERSION, digest

ROOT = Path(__file__).resolve().parents[3]
NAMED = st.lists(
    st.tuples(st.sampled_from(["a.py", "b/c.py", "d.yaml", "e.py"]), st.binary(max_size=30)),
    unique_by=lambda named: named[0],
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A scratch copy of everything that deciding imports."""
    for package in ("decide", "playbooks", "manifests", "schemas", "kfix"):
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    return tmp_path


def version_in(place: Path) -> str:
    """The version that a process tells which imports from this folder or archive."""
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-c",
            "import decide.core.record as r; print(r.__file__); print(r.RULES_VERSION)",
        ],
        cwd=place.parent,
        env={**os.environ, "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    where, version = done.stdout.split()
    assert where.startswith(str(place))
    return version


def test_the_version_is_short_and_the_same_in_a_copy(tree: Path) -> None:
    assert re.fullmatch(r"[0-9a-f]{12}", RULES_VERSION)
    assert version_in(tree) == RULES_VERSION


@pytest.mark.parametrize(
    "file",
    [
        "decide/core/families/resources/rules.py",
        "decide/core/drafting/sizing.py",
        "decide/core/weights.py",
        "playbooks/job_suspended.yaml",
    ],
)
def test_one_changed_file_of_what_decides_changes_the_version(tree: Path, file: str) -> None:
    with (tree / file).open("a") as text:
        text.write("\n# one more line\n")
    assert version_in(tree) != RULES_VERSION


def test_a_file_more_or_under_another_name_changes_the_version(tree: Path) -> None:
    shutil.copy(tree / "playbooks/job_suspended.yaml", tree / "playbooks/job_suspended_twice.yaml")
    more = version_in(tree)
    (tree / "playbooks/job_suspended.yaml").unlink()
    assert len({RULES_VERSION, more, version_in(tree)}) == 3


def test_line_ends_and_what_does_not_decide_leave_the_version(tree: Path) -> None:
    for path in [*tree.glob("decide/core/rules/*.py"), *tree.glob("playbooks/*.yaml")]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    (tree / "decide/adapters/console_only.py").write_text("X = 1\n")
    (tree / "decide/core/__pycache__").mkdir()
    (tree / "decide/core/__pycache__/left.py").write_text("X = 1\n")
    assert version_in(tree) == RULES_VERSION


def test_an_archive_tells_the_version_of_its_files(tree: Path, tmp_path: Path) -> None:
    archive = tmp_path / "kfix.zip"
    with ZipFile(archive, "w") as packed:
        for path in sorted(tree.rglob("*"), reverse=True):
            if path.is_file() and path != archive:
                packed.write(path, path.relative_to(tree))
    assert version_in(archive) == RULES_VERSION


def test_byte_code_alone_has_a_version_that_follows_the_rules(tree: Path) -> None:
    def compiled() -> str:
        copy = tree / "compiled"
        shutil.rmtree(copy, ignore_errors=True)
        for package in ("decide", "playbooks", "manifests", "schemas", "kfix"):
            shutil.copytree(tree / package, copy / package)
        assert compileall.compile_dir(copy, quiet=1, legacy=True, stripdir=str(copy))
        for source in copy.rglob("*.py"):
            source.unlink()
        return version_in(copy)

    before = compiled()
    rule = tree / "decide/core/ranking.py"
    rule.write_text(rule.read_text() + "\nMORE = 1\n")
    after = compiled()
    assert len({RULES_VERSION, before, after}) == 3


@given(NAMED)
def test_the_digest_knows_no_order_and_no_line_ends(named: list[tuple[str, bytes]]) -> None:
    crlf = [
        (name, content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")) for name, content in named
    ]
    plain = [(name, content.replace(b"\r\n", b"\n")) for name, content in named]
    assert digest(named) == digest(reversed(named)) == digest(plain) == digest(crlf)


@given(NAMED, NAMED)
def test_other_contents_have_another_digest(
    one: list[tuple[str, bytes]], other: list[tuple[str, bytes]]
) -> None:
    def read(named: list[tuple[str, bytes]]) -> dict[str, bytes]:
        return {name: content.replace(b"\r\n", b"\n") for name, content in named}

    assert (digest(one) == digest(other)) == (read(one) == read(other))

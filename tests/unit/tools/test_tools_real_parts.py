"""A test of a real part that no suite would collect is refused, and not silently left out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_a_marked_test_outside_its_suites_folders_is_refused(tmp_path: Path) -> None:
    lost = tmp_path / "test_lost.py"
    lost.write_text("import pytest\n\n\n@pytest.mark.kafka\ndef test_lost() -> None:\n    pass\n")
    command = (sys.executable, "-m", "pytest", "-q", "--collect-only", "--rootdir", str(ROOT))
    found = subprocess.run(
        (*command, "-p", "tests.conftest", "-c", str(ROOT / "pyproject.toml"), str(lost)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode != 0
    assert "needs kafka; no suite looks there" in found.stderr + found.stdout

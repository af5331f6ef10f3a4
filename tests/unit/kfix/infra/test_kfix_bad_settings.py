"""A setting with a value that it cannot have is named, without its value and without a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kfix.infra.settings import AppSettings, BadSettings, load

KFIX = Path(sys.executable).parent / "kfix"


def test_each_bad_variable_is_named_and_no_value_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KFIX_LANGUAGE", "hunter2")
    monkeypatch.setenv("KFIX_MODE", "hunter2")
    with pytest.raises(BadSettings) as failure:
        load(AppSettings)
    text = str(failure.value)
    assert "KFIX_LANGUAGE: " in text
    assert "KFIX_MODE: " in text
    assert "hunter2" not in text


@pytest.mark.parametrize("variable", ["KFIX_LANGUAGE", "KFIX_KAFKA_PARTITIONS"])
def test_the_command_says_it_in_one_line(variable: str, tmp_path: Path) -> None:
    environment = {**os.environ, variable: "hunter2"}
    done = subprocess.run(
        [KFIX, "run", "decide"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"kfix: {variable}: ")
    assert len(done.stderr.splitlines()) == 1
    assert "hunter2" not in done.stderr

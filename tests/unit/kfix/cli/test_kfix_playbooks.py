"""`kfix playbooks`, as the page about playbooks shows it: its files are written, its commands are run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from decide.adapters.playbooks import load_playbooks
from decide.core.playbooks.cel import BUILT, TOLD
from decide.core.playbooks.shape import FIELDS, Playbook

PAGE = (Path(__file__).resolve().parents[4] / "docs/playbooks.md").read_text("utf-8")
FILES = re.findall(r"^```\w+ file=(\S+)\n(.*?)^```$", PAGE, re.M | re.S)
CONSOLES = re.findall(r"^```console\n\$ (.+?)\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of the page."""
    for name, text in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def without_figures(text: str) -> str:
    """Confidences move with every calibration."""
    return re.sub(r"\b0\.\d\d\b", "0.xx", text)


def run(folder: Path, line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    program, *arguments = line.split()
    assert program == "kfix"
    return subprocess.run(
        [Path(sys.executable).with_name("kfix"), *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("line", "shown"), CONSOLES)
def test_the_page_shows_what_its_commands_print(folder: Path, line: str, shown: str) -> None:
    done = run(folder, line)
    assert without_figures(done.stdout + done.stderr) == without_figures(shown)
    assert done.returncode == (1 if "bad.yaml" in line else 0)


def test_the_pages_example_is_chosen_by_kfix_diagnose_from_a_folder_of_ones_own(
    folder: Path,
) -> None:
    own = folder / "own"
    own.mkdir()
    (folder / "maintenance.yaml").rename(own / "maintenance.yaml")
    done = run(
        folder, "kfix diagnose my-case --output json --language fr", KFIX_DECIDE_PLAYBOOKS_DIR="own"
    )
    answer = json.loads(done.stdout)
    assert answer["ai_analysis"]["failure_class"] == "maintenance_left_on"
    assert answer["recommended_action"]["origin"] == "playbook"
    assert "Terminer la maintenance" in answer["recommended_action"]["title"]
    listed = run(folder, "kfix playbooks list", KFIX_DECIDE_PLAYBOOKS_DIR="own")
    assert "maintenance_left_on" in listed.stdout


def test_a_broken_playbook_in_the_folder_stops_everything(folder: Path) -> None:
    done = run(folder, "kfix playbooks check", KFIX_DECIDE_PLAYBOOKS_DIR=".")
    assert done.returncode == 1
    assert "bad.yaml:6" in done.stderr
    assert not done.stdout


def test_a_case_that_does_not_match_says_which_condition_did_not_hold(folder: Path) -> None:
    log = folder / "my-case/cluster/store/shop-0/logs.txt"
    log.write_text("GET /cart 200\n")
    done = run(folder, "kfix playbooks test maintenance.yaml --case my-case")
    assert done.returncode == 1
    assert re.search(r"^  no +logs\.exists", done.stdout, re.M)
    assert "no match: no diagnosis" in done.stdout


def test_wrong_usage_is_told(folder: Path) -> None:
    assert run(folder, "kfix playbooks test maintenance.yaml").returncode == 2
    missing = run(folder, "kfix playbooks test nowhere.yaml --case my-case")
    assert (missing.returncode, "cannot be read" in missing.stderr) == (1, True)


def test_the_schema_is_printed_as_json(folder: Path) -> None:
    assert json.loads(run(folder, "kfix playbooks schema").stdout) == Playbook.model_json_schema()


def test_the_page_lists_the_shipped_playbooks() -> None:
    for compiled in load_playbooks().entries:
        playbook = compiled.playbook
        plans = ", ".join(f"`{step.fix}`" for step in playbook.plans) or "hand-off"
        row = f"| `{playbook.id}` | {playbook.for_} | {plans} | {playbook.title.en} |"
        assert row in PAGE


def test_the_page_names_every_part_variable_and_fix() -> None:
    parts = {field.alias or name for name, field in Playbook.model_fields.items()}
    told = set(re.findall(r"`(\w+)`", PAGE))
    assert parts <= told
    assert set(BUILT) | set(TOLD) <= told
    assert set(FIELDS) <= told

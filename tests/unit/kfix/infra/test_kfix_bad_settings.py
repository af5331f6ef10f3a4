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


def test_a_list_that_is_no_list_is_named_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KFIX_PROTECTED_ENVIRONMENTS", "hunter2,uat")
    with pytest.raises(BadSettings, match=r"^KFIX_PROTECTED_ENVIRONMENTS: ") as failure:
        load(AppSettings)
    assert "hunter2" not in str(failure.value)


def test_each_source_is_read_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "KFIX_CONSOLE_URL").write_text("http://secret")
    (secrets / "KFIX_DATABASE_URL").write_text("sqlite:///secret")
    (tmp_path / ".env").write_text("KFIX_CONSOLE_URL=http://file\nKFIX_LANGUAGE=fr\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KFIX_SECRETS_DIR", str(secrets))
    monkeypatch.setenv("KFIX_LANGUAGE", "en")
    monkeypatch.setenv("KFIX_PROTECTED_ENVIRONMENTS", '["stg", "uat"]')
    found = load(AppSettings)
    assert found.console_url == "http://file"
    assert found.database_url.get_secret_value() == "sqlite:///secret"
    assert found.language == "en"
    assert found.protected_environments == ("stg", "uat")
    without = AppSettings(_env_file=None)  # type: ignore[call-arg]
    assert without.console_url == AppSettings.model_fields["console_url"].default


def refused(command: list[str], folder: Path, **variables: str) -> list[str]:
    """What the real command says of bad settings, line by line. It ends with 2 before it opened anything."""
    done = subprocess.run(
        [KFIX, *command],
        env={**os.environ, **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert list(folder.iterdir()) == [], "a store or a broker was opened"
    return done.stderr.splitlines()


@pytest.mark.parametrize("variable", ["KFIX_LANGUAGE", "KFIX_KAFKA_PARTITIONS"])
def test_the_command_says_it_in_one_line(variable: str, tmp_path: Path) -> None:
    (line,) = refused(["run", "decide"], tmp_path, **{variable: "hunter2"})
    assert line.startswith(f"kfix: {variable}: ")
    assert "hunter2" not in line


def test_each_bad_setting_of_each_stage_has_its_line_before_anything_opens(tmp_path: Path) -> None:
    bad = {
        "KFIX_KAFKA_FORMAT": "morse",
        "KFIX_DECIDE_OPINION_TIMEOUT_S": "soon",
        "KFIX_PUBLISH_ASSIGNEES": "ada",
        "KFIX_PUBLISH_MERGE_CHECK_S": "many",
        "KFIX_CONSOLE_PORT": "high",
    }
    lines = refused(["up"], tmp_path, **bad)
    assert [line.split(": ")[:2] for line in lines] == [["kfix", name] for name in bad]


def test_a_stage_does_not_mind_the_settings_of_another(tmp_path: Path) -> None:
    bad = {"KFIX_PUBLISH_MERGE_CHECK_S": "many", "KFIX_LEARN_POLL_S": "long"}
    (line,) = refused(["up", "--only", "publish"], tmp_path, **bad)
    assert line.startswith("kfix: KFIX_PUBLISH_MERGE_CHECK_S: ")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ('{"staging": ["prod"]}', "production's words stay production's"),
        ('{"staging": ["uat"], "qa": ["uat"]}', "a word is given to two environments"),
        ('{"staging": ["U AT"]}', "small letters"),
        ('{"staging": "uat"}', "tuple"),
    ],
)
def test_words_for_environments_cannot_move_production(
    monkeypatch: pytest.MonkeyPatch, said: str, why: str
) -> None:
    monkeypatch.setenv("KFIX_ENVIRONMENT_WORDS", said)
    with pytest.raises(BadSettings, match=why):
        load(AppSettings)


def test_words_for_environments_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KFIX_ENVIRONMENT_WORDS", '{"staging": ["uat", "integ"]}')
    assert load(AppSettings).environment_words == {"staging": ("uat", "integ")}


def test_series_of_several_clusters_need_a_label_before_anything_opens(tmp_path: Path) -> None:
    file = tmp_path / "clusters.yaml"
    file.write_text("".join(f"- {{name: {n}, kubernetes: {{url: 'https://{n}'}}}}\n" for n in "ab"))
    (tmp_path / "empty").mkdir()
    said = refused(
        ["up"],
        tmp_path / "empty",
        KFIX_CLUSTERS_FILE=str(file),
        KFIX_PROMETHEUS_URL="http://127.0.0.1:9",
    )
    (line,) = said
    assert "KFIX_PROMETHEUS_CLUSTER_LABEL" in line

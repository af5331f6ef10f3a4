"""The whole description of a sample incident. ``KFIX_TEST_SAMPLES=<folder>`` writes it there for people to look at."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from kfix.incident.fix_record import FixRecord
from kfix.infra.forges.gitlab.dialect import DIALECT
from manifests.text.diffs import reverse
from publish.core import description
from publish.core.notice import notice_of
from publish.core.wording import Language
from tests.support import publish as sample

HISTORY = FixRecord(0.86, 0.09, 12, 11, 1)


def text_of(language: Language = "en", history: FixRecord | None = HISTORY) -> str:
    record = sample.record()
    page = description.Page(
        dialect=DIALECT,
        language=language,
        incident_url="https://kfix.example.com/incidents/" + record.incident_id,
        hosts={"app.datadoghq.eu", "kfix.example.com"},
        commit="0123456789abcdef0123456789abcdef01234567",
        target="main",
        history=history,
    )
    return description.description(record, record.plans[0], page)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_reviewer_finds_everything_in_it(language: Language) -> None:
    text = text_of(language)
    for part in ("500m", "900m", "```diff", "e1", "5400m", "inc-a", "git revert"):
        assert part in text, part
    folder = os.environ.get("KFIX_TEST_SAMPLES")
    if folder:
        Path(folder, f"merge_request.{language}.md").write_text(text)


@pytest.mark.parametrize(
    ("history", "english", "french"),
    [
        (
            FixRecord(0.81, 0.1, 14, 12, 2, taken_back=1),
            "of 14 fixes of this kind merged here 12 held (95% interval: 60–96%), 1 taken back, 2 turned down",
            "sur 14 correctifs de ce type fusionnés ici, 12 ont tenu (intervalle à 95 % : 60–96 %), 1 repris, 2 refusés",
        ),
        (
            FixRecord(0.67, 0.2, 1, 1, 0),
            "of 1 fix of this kind merged here 1 held (95% interval: 20–100%), 0 taken back, 0 turned down",
            "sur 1 correctif de ce type fusionné ici, 1 a tenu (intervalle à 95 % : 20–100 %), 0 repris, 0 refusé",
        ),
        (
            FixRecord(0.4, 0.2, 0, 0, 1),
            "none of this kind was merged here, 1 turned down",
            "aucun de ce type n'a été fusionné ici, 1 refusé",
        ),
        (FixRecord(0.5, 0.3, 0, 0, 0), "Never tried here: no fix", "Jamais essayé ici : aucun"),
        (None, "Never tried here: no fix", "Jamais essayé ici : aucun"),
    ],
)
def test_it_quotes_how_fixes_of_its_kind_fared(
    history: FixRecord | None, english: str, french: str
) -> None:
    assert english in text_of("en", history)
    assert french in text_of("fr", history).replace("\u202f", " ")


def test_both_languages_say_the_same_things_in_other_words() -> None:
    assert text_of("en").count("## ") == text_of("fr").count("## ")
    assert "Retour arrière" in text_of("fr")
    assert "Rollback" in text_of("en")


def test_the_rollback_diff_takes_the_change_back(tmp_path: Path) -> None:
    edit = sample.record().plans[0].edits[0]
    inverse = reverse(edit.diff)
    file = tmp_path / edit.path
    file.parent.mkdir(parents=True)
    file.write_text(edit.after)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "apply", "-"], input=inverse.encode(), check=True)
    assert file.read_text() == sample.MANIFEST


def test_the_title_names_plan_and_service() -> None:
    record = sample.record()
    title = description.mr_title(record, record.plans[0], DIALECT)
    assert title == "🤖 K-Fix: Raise the CPU limit (checkout)"


def test_labels_say_environment_team_and_severity() -> None:
    record = sample.record()
    assert description.labels(record, record.plans[0], DIALECT) == [
        "k-fix",
        "automated",
        "high",
        "kfix::proposed",
        "kfix-cause::cpu_throttling",
        "kfix-fix::set_cpu",
        "env::production",
        "team::payments",
    ]


def test_a_notice_links_to_the_merge_request_and_the_incident() -> None:
    record = sample.record()
    notice = notice_of(
        record,
        record.plans[0],
        kind="opened",
        language="en",
        mr_url="https://gitlab.example.com/mr/1",
        console_url="https://kfix.example.com/",
    )
    assert [url for _, url in notice.links] == [
        "https://gitlab.example.com/mr/1",
        f"https://kfix.example.com/incidents/{record.incident_id}.json",
        f"https://kfix.example.com/incidents/{record.incident_id}",
    ]

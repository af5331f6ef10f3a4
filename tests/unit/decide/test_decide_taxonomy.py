"""The taxonomy is closed, and its page and the eval's labels follow it."""

from __future__ import annotations

import json
from pathlib import Path

from decide.core.taxonomy import CLASSES, table

ROOT = Path(__file__).parents[3]


def test_the_page_is_current() -> None:
    page = ROOT / "docs" / "failure-classes.md"
    assert page.read_text("utf-8") == table(), (
        "run: python -m decide.core.taxonomy > docs/failure-classes.md"
    )


def test_every_class_is_told_in_both_languages() -> None:
    for entry in CLASSES.values():
        assert entry.en
        assert entry.fr
        assert entry.en != entry.fr
        assert entry.evidence


def test_the_labels_of_the_eval_are_classes_of_ours() -> None:
    mapping = json.loads((ROOT / "tools" / "evaluation" / "mapping.json").read_text("utf-8"))[
        "classes"
    ]
    assert set(mapping) <= set(CLASSES)
    assert all(len(labels) == 1 for labels in mapping.values())

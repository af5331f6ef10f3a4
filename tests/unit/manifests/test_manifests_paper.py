"""The page about editing says what the code says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from manifests.refused import RefusalCode

PAGE = (Path(__file__).resolve().parents[3] / "docs/editing.md").read_text()


def test_the_page_has_every_refusal_and_no_other() -> None:
    assert set(re.findall(r"(?m)^\| `([A-Z_0-9]+)` \|", PAGE)) == set(get_args(RefusalCode))

"""Counts what the YAML parser is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
import yaml


class Parses:
    """How often each text went through PyYAML's parser, whoever asked."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def of(self, files: Mapping[str, str | bytes]) -> dict[str, int]:
        """Parses by path. Files of one content count together."""
        texts = {p: t if isinstance(t, str) else t.decode() for p, t in files.items()}
        return {path: self.counts[text] for path, text in texts.items() if self.counts[text]}


def counted(patch: pytest.MonkeyPatch) -> Parses:
    """Counts from now on, around the library's own functions."""
    parses = Parses()
    for name in ("compose_all", "compose", "load_all", "load"):
        patch.setattr(yaml, name, _counting(getattr(yaml, name), parses))
    return parses


def _counting(real: Any, parses: Parses) -> Any:
    def parse(stream: Any, *args: Any, **options: Any) -> Any:
        text = stream.decode() if isinstance(stream, bytes) else str(stream)
        parses.counts[text.removeprefix("\ufeff")] += 1
        return real(stream, *args, **options)

    return parse

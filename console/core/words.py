"""What the pages say, in the language of their reader. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfix import texts
from kfix.texts import Language


class Words(Mapping[str, str]):
    """The console's words by their keys: the entries ``console.<key>`` of the catalogues."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._words = {
            text_id.removeprefix("console."): texts.word(text_id, language)
            for text_id in texts.ids(language)
            if text_id.startswith("console.")
        } | {"language": language}

    def __getitem__(self, key: str) -> str:
        return self._words[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._words)

    def __len__(self) -> int:
        return len(self._words)


def told(record: Any, field: str, language: Language) -> Any:
    """A record's sentence, sentences or named sentences in the reader's language."""
    said, text = getattr(record, field), getattr(record, f"{field}_text")
    if isinstance(said, str):
        return texts.told(said, text, language)
    if isinstance(said, Mapping):
        return {name: texts.told(one, text.get(name), language) for name, one in said.items()}
    return texts.told_all(said, text, language)

"""Catalogues: the sentences of one area in one language, read once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

import yaml

from kfix.texts.template import Template, compiled

Language = Literal["en", "fr"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
#: PyYAML's parser in C is ten times as fast; it is missing where PyYAML was built without libyaml.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def language_of(name: str) -> Language:
    """The language of a setting; English for one that has no catalogue."""
    return "fr" if name == "fr" else "en"


def template(text_id: str, language: Language) -> Template | None:
    """The entry of an id; ``None`` when the catalogues have none."""
    area, _, name = text_id.partition(".")
    return _compiled(area, language, name) if name in catalogue(area, language) else None


@cache
def _compiled(area: str, language: Language, name: str) -> Template:
    return compiled(catalogue(area, language)[name])


@cache
def catalogue(area: str, language: Language) -> Mapping[str, str]:
    """The sentences of an area by the rest of their ids; empty for an area that is not there."""
    if not area.isidentifier():
        return {}
    path = files(__package__) / "locales" / language / f"{area}.yaml"
    if not path.is_file():
        return {}
    return dict(_flat(yaml.load(path.read_text("utf-8"), Loader=_LOADER)))  # noqa: S506  # a safe loader


def _flat(entries: Any, before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in (entries or {}).items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", str(value)


def ids(language: Language) -> Iterator[str]:
    """Every id of a language's catalogues."""
    folder = files(__package__) / "locales" / language
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        area = path.name.removesuffix(".yaml")
        yield from (f"{area}.{name}" for name in catalogue(area, language))

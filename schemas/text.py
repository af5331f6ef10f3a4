"""Sentences for people as data: what a sentence says (an id with parameters) travels beside the sentence itself.

Records speak one language; who shows them makes the same sentence in the reader's language from its ``Text``. A field
``X`` with a sentence has a field ``X_text`` beside it. Records of older versions have none: the sentence is shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from schemas.base import JsonText, Model

_SUFFIX = "_text"


class Text(Model):
    """What a sentence says: the id of a catalogue's entry, and what it is filled with.

    Parameters are numbers, names, outside text, sentences inside the sentence, and lists of those; never templates.
    """

    id: str
    parameters: Annotated[
        dict[str, int | float | str | Text | tuple[str | Text, ...]], JsonText
    ] = Field(default_factory=dict)

    def __hash__(self) -> int:
        """Texts that say the same are one, so that values with texts can be keys."""
        return hash((self.id, len(self.parameters)))


class Said(str):
    """A sentence that knows what it says. It is a ``str`` wherever one is wanted.

    What is made of it by joining, slicing or masking is an ordinary ``str`` again: it is shown as it is in every language.
    """

    __slots__ = ("text",)
    text: Text

    def __new__(cls, sentence: str, text: Text) -> Self:
        made = super().__new__(cls, sentence)
        made.text = text
        return made

    def __getnewargs__(self) -> tuple[str, Text]:  # type: ignore[override]  # copies and pickles keep the text
        return str(self), self.text


def text_of(sentence: object) -> Text | None:
    """What a sentence says, where it knows it."""
    return sentence.text if isinstance(sentence, Said) else None


def again(sentence: str, text: Text | None) -> str:
    """A record's sentence with the text beside it, to be said inside another sentence."""
    return sentence if text is None else Said(sentence, text)


def cut(sentence: str, longest: int) -> str:
    """At most ``longest`` characters. What had to be cut does not know what it says any more."""
    return sentence if len(sentence) <= longest else sentence[:longest]


def sentence_of(failure: BaseException) -> str:
    """What an exception was raised with: ``str`` of it forgets what a sentence says."""
    first = failure.args[0] if failure.args else ""
    return first if isinstance(first, Said) else str(failure)


class Spoken(Model):
    """A value with sentences for people. Each field ``X_text`` takes what the sentence (or sentences) ``X`` say.

    Filled by itself where ``X`` is made of ``Said``; ``model_copy`` keeps the two together. For a list of sentences
    ``X_text`` is a list of the same length, empty when none of them knows what it says; for a mapping, the known ones.
    """

    _sentences: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        names = cls.model_fields
        cls._sentences = tuple(name for name in names if f"{name}{_SUFFIX}" in names)

    @model_validator(mode="before")
    @classmethod
    def _with_texts(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        known = {
            name + _SUFFIX: texts
            for name in cls._sentences
            if name + _SUFFIX not in values and (texts := _texts(values.get(name)))
        }
        return {**values, **known} if known else values

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic's, not validated; a sentence that is exchanged takes its text along."""
        if update:
            new = {n: update[n] for n in self._sentences if n in update}
            texts = {
                name + _SUFFIX: _texts(value)
                or type(self).model_fields[name + _SUFFIX].get_default(call_default_factory=True)
                for name, value in new.items()
            }
            plain = {name: str(value) for name, value in new.items() if isinstance(value, Said)}
            update = {**texts, **update, **plain}
        return super().model_copy(update=update, deep=deep)


def _texts(value: Any) -> Any:
    """The texts of a sentence, of a list or of a mapping of sentences; nothing when none is known."""
    if isinstance(value, Said):
        return value.text
    if isinstance(value, list | tuple):
        found = tuple(text_of(item) for item in value)
        return found if any(found) else None
    if isinstance(value, dict):
        return {key: item.text for key, item in value.items() if isinstance(item, Said)}
    return None


def plain_json(model: Model) -> dict[str, Any]:
    """A model as JSON with its sentences alone: what they say as data is for K-Fix's own stages, not for who reads JSON."""
    dumped = model.model_dump(mode="json")
    _drop_texts(model, dumped)
    return dumped


def _drop_texts(value: object, dumped: Any) -> None:
    """Takes the texts of ``value`` out of its dumped form, in place; what only looks like one by its name stays."""
    if isinstance(value, Spoken):
        for name in value._sentences:
            dumped.pop(name + _SUFFIX, None)
    if isinstance(value, Model):
        for name in type(value).model_fields:
            if name in dumped:
                _drop_texts(getattr(value, name), dumped[name])
    elif isinstance(value, list | tuple):
        for item, shown in zip(value, dumped, strict=True):
            _drop_texts(item, shown)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _drop_texts(item, dumped.get(str(key)))

"""The walk over plain JSON: names, entries, command lines, Kubernetes Secrets, maps and lists of secrets. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from kfix.incident.redaction.commands import hidden_words
from kfix.incident.redaction.documents import REFERENCES
from kfix.incident.redaction.words import (
    Strength,
    harmless,
    hidden,
    masked_value,
    named,
    nameish,
    unmarked,
)
from schemas.base import Json

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_PLAIN = frozenset((int, float, bool, type(None)))
_HEADERS = frozenset(
    spelled
    for name in ("Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie")
    for spelled in (
        name,
        name.lower(),
        name.upper(),
        name.replace("-", "_").lower(),
        name.replace("-", ""),
    )
)
#: Under one secret's name: the fields that hold it.
_HOLDING = frozenset(
    (
        *("value", "plain", "plaintext", "text", "raw", "literal", "content", "inline", "data"),
        *("string", "stringvalue", "string_value", "s"),  # Avro, protobuf, DynamoDB
    )
)
_NAMING = (
    ("name", "value"),
    ("key", "value"),
    ("Key", "Value"),
    ("Name", "Value"),
    ("ParameterKey", "ParameterValue"),
    ("path", "value"),  # JSON patch
)
_COOKIES = ("cookies", "cookie")
#: So many names that hold no secret are remembered, none longer than this.
_NAMES = 8192
_NAME_LENGTH = 256
_NO_SECRETS: set[str] = set()


def forget() -> None:
    """Empties what is remembered of names."""
    _NO_SECRETS.clear()


def _remember(name: str) -> None:
    if len(name) <= _NAME_LENGTH:
        if len(_NO_SECRETS) >= _NAMES:
            _NO_SECRETS.clear()
        _NO_SECRETS.add(name)


class Walk:
    """``mask_json`` over a masker of texts."""

    def __init__(
        self, mask: Callable[[str], str], innocent: AbstractSet[str] = frozenset()
    ) -> None:
        """``innocent``: texts that ``mask`` is known to leave as they are; it may grow."""
        self._mask = mask
        self._innocent = innocent

    def __call__(self, value: Json) -> Json:
        kind = type(value)  # exact types first: a bundle has tens of thousands of values
        if kind is str:
            return value if value in self._innocent else self._mask(value)
        if kind in _PLAIN:
            return value
        if kind is dict or isinstance(value, Mapping):
            return self._mapping(value)
        if kind is list or isinstance(value, list | tuple):
            return self._sequence(value)
        return self._mask(value) if isinstance(value, str) else value

    def _mapping(self, value: Mapping[Any, Json]) -> dict[str, Json]:
        if value.get("kind") in ("Secret", "SecretList"):
            value = _secret_emptied(value)
        out: dict[str, Json] = {}
        innocent = self._innocent
        for key, item in value.items():
            if key not in _NO_SECRETS:
                if type(key) is not str or not unmarked(key):
                    self._named(key, item, out)
                    continue
                _remember(key)
            kind = type(item)
            if kind is str:
                out[key] = item if item in innocent else self._mask(item)
            elif kind in _PLAIN:
                out[key] = item
            elif kind is dict:
                out[key] = self._mapping(item)
            else:
                out[key] = self._sequence(item) if kind is list else self(item)
        if "value" in out or "Value" in out or "ParameterValue" in out:
            self._entry(value, out)
        return out

    def _named(self, key: object, item: Json, out: dict[str, Json]) -> None:
        """One field whose name is a secret's, a header's, or not seen yet."""
        name = key if type(key) is str else str(key)
        kind = type(item)
        valued = item is not None and kind is not bool
        told = named(name) if valued else None
        if kind is dict and name == "stringData":
            out[name] = _emptied(item)  # of Secrets alone, a patch of one as well
        elif (kind is dict or kind is list) and name.lower() in _COOKIES:
            out[name] = _cookies(self(item))
        elif told is None and name in _HEADERS:
            out[name] = self._header(name, item) if kind is str else self(item)
        elif told is None:
            out[name] = self(item)
            if valued and name is key and name != "stringData" and name.lower() not in _COOKIES:
                _remember(name)
        elif kind is dict or kind is list:
            out[name] = self._under(name, told, item)
        else:
            out[name] = self._field(name, item)

    def _entry(self, value: Mapping[Any, Json], out: dict[str, Json]) -> None:
        for naming, valuing in _NAMING:
            if valuing not in out:
                continue
            name, item = value.get(naming), value.get(valuing)
            if isinstance(name, str) and not isinstance(item, dict | list):
                out[valuing] = self._field(name, item)

    def _field(self, name: str, item: Json) -> Json:
        told = named(name)
        if isinstance(item, str):
            if told is None:
                return self._mask(item) if name not in _HEADERS else self._header(name, item)
            if item and hidden(told[0], item, quoted=True, spoken=False):
                return masked_value(item, told[1])
            return self._mask(item)
        if told is not None and isinstance(item, int | float) and "pass" in name.lower():
            return item if isinstance(item, bool) else f"[masked:{told[1]}]"
        return item if isinstance(item, int | float) else self(item)

    def _header(self, name: str, item: str) -> str:
        """``Authorization`` with its scheme, which stays, or without one."""
        return self._mask(f"{name}: {item}")[len(name) + 2 :]

    def _under(self, name: str, told: tuple[Strength, str], item: Json) -> Json:
        """A map or list under a secret's name: ``secrets: {a: …}``, ``passwords: […]``, ``password: {value: …}``."""
        several = name.lower().endswith("s")
        masked = self(item)
        if isinstance(masked, dict):
            return {
                key: self._kept(key, child, told, several=several) for key, child in masked.items()
            }
        if isinstance(masked, list) and (several or told[0] == "strong"):
            return [
                f"[masked:{told[1]}]"
                if isinstance(child, str) and not harmless(child) and not nameish(child)
                else self._under(name, told, child)
                if isinstance(child, dict)
                else child
                for child in masked
            ]
        return masked

    @staticmethod
    def _kept(key: str, child: Json, told: tuple[Strength, str], *, several: bool) -> Json:
        if not isinstance(child, str) or harmless(child):
            return child
        lowered = key.lower()
        if several and lowered not in REFERENCES:
            return child if nameish(child) else f"[masked:{told[1]}]"
        if (
            not several
            and lowered in _HOLDING
            and hidden(told[0], child, quoted=True, spoken=False)
        ):
            return f"[masked:{told[1]}]"
        return child

    def _sequence(self, items: list[Json] | tuple[Json, ...]) -> list[Json]:
        if (
            type(items) is list
            and items
            and type(items[0]) in _PLAIN
            and set(map(type, items)) <= _PLAIN
        ):
            return list(items)
        innocent = self._innocent
        out = [item if type(item) is str and item in innocent else self(item) for item in items]
        if len(items) > 1 and type(items[0]) is str and _command(items):
            for number, at in hidden_words([i if type(i) is str else "" for i in items]):
                item = items[number]
                if (
                    isinstance(item, str)
                    and not harmless(item[at:])
                    and "[masked:" not in str(out[number])
                ):
                    out[number] = f"{item[:at]}[masked:option]"
        return out


def _cookies(masked: Json) -> Json:
    """The values of a jar, as a map or as a HAR file's list; a setting of cookies is none."""
    if isinstance(masked, dict):
        value = masked.get("value")
        if isinstance(masked.get("name"), str) and isinstance(value, str):
            return {**masked, "value": value if nameish(value) else "[masked:cookie]"}
        return {
            key: child
            if not isinstance(child, str) or nameish(child) or harmless(child)
            else "[masked:cookie]"
            for key, child in masked.items()
        }
    return list(map(_cookies, masked)) if isinstance(masked, list) else masked


def _command(items: list[Json] | tuple[Json, ...]) -> bool:
    return any(type(item) is str and item[:1] == "-" for item in items) or (
        str(items[0]).rsplit("/", 1)[-1] in ("rabbitmqctl", "vault", "redis-cli")
    )


def _secret_emptied(secret: Mapping[Any, Json]) -> Mapping[Any, Json]:
    """Its data again stands in the annotation that ``kubectl apply`` leaves, so that goes too."""
    out = {k: _emptied(v) if k in ("data", "stringData") else v for k, v in secret.items()}
    items = out.get("items")
    if isinstance(items, list):
        out["items"] = [_secret_emptied(i) if isinstance(i, Mapping) else i for i in items]
    metadata = out.get("metadata")
    if isinstance(metadata, Mapping) and isinstance(metadata.get("annotations"), Mapping):
        kept = {k: v for k, v in metadata["annotations"].items() if k != _LAST_APPLIED}
        out["metadata"] = {**metadata, "annotations": kept}
    return out


def _emptied(data: Json) -> Json:
    if not isinstance(data, Mapping):
        return {}
    return {str(key): masked_value(str(item or ""), "secret") for key, item in data.items()}

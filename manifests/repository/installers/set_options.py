"""Values that a command line of Helm sets: ``--set image.tag=$TAG``. Pure: nothing is run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

#: What stands for a tag that a shell fills in: any text does that an image's name may hold.
FILLED_IN = "set-on-the-command-line"
_KEY = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_LITERAL = re.compile(r"[A-Za-z0-9_./:@+=-]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,15})")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
#: Ends of names of values that say which image runs: templates only write them down.
_OF_IMAGES = ("tag", "version", "digest", "sha", "commit", "revision", "image", "repository", "registry", "buildid")  # fmt: skip
_NOT_OF_IMAGES = ("apiversion", "kubeversion")


def values_of(options: Iterable[tuple[str, str]], line: str) -> dict[str, Any] | None:
    """The values of ``--set`` and ``--set-string``; ``None`` where they cannot be told: another option that sets values, an
    item of a list, a text that is filled in for anything but an image."""
    out: dict[str, Any] = {}
    for option, written in options:
        if option == "--post-renderer" or option.startswith("--set"):
            if option not in ("--set", "--set-string") or "\\" in line or not written:
                return None
            for pair in written.split(","):
                if not _take(out, *pair.partition("=")[::2], as_text=option == "--set-string"):
                    return None
    return out


def _take(out: dict[str, Any], key: str, written: str, *, as_text: bool) -> bool:
    if not _KEY.fullmatch(key):
        return False
    *above, last = key.split(".")
    if _LITERAL.fullmatch(written):
        value = written if as_text else _typed(written)
    elif _is_of_images(last):
        value = FILLED_IN
    else:
        return False
    at = out
    for part in above:
        at = at.setdefault(part, {})
        if not isinstance(at, dict):
            return False
    at[last] = value
    return True


def _is_of_images(name: str) -> bool:
    plain = re.sub(r"[^a-z]", "", name.lower())
    return plain.endswith(_OF_IMAGES) and not plain.endswith(_NOT_OF_IMAGES)


def _typed(written: str) -> Any:
    if written in _WORDS:
        return _WORDS[written]
    return int(written) if _NUMBER.fullmatch(written) else written


def leaves(values: dict[str, Any], above: str = "") -> list[str]:
    """The values that are set, as they are written."""
    out: list[str] = []
    for key, value in values.items():
        name = f"{above}.{key}" if above else key
        out += leaves(value, name) if isinstance(value, dict) else [name]
    return out

"""Values that a command line of Helm sets: ``--set image.tag=$TAG``. Pure: nothing is run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from manifests.repository.installers.shell_values import MARKS

#: What stands for a tag that a shell fills in: any text does that an image's name may hold.
FILLED_IN = "set-on-the-command-line"
_KEY = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_LITERAL = re.compile(r"[A-Za-z0-9_./:@+=-]*")
#: A text with something in it that a shell fills in.
_FILLED = re.compile(rf"[\w./:@+-]*[{MARKS}\x00][\w./:@+{MARKS}\x00-]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,15})")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
#: Ends of names of values that say which image runs: templates only write them down.
_OF_IMAGES = ("tag", "version", "digest", "sha", "commit", "revision", "image", "repository", "registry", "buildid")  # fmt: skip
_NOT_OF_IMAGES = ("apiversion", "kubeversion")


def values_of(
    options: Iterable[tuple[str, str]], line: str, texts: list[str] | None = None
) -> dict[str, Any] | None:
    """The values of ``--set`` and ``--set-string``; ``None`` where they cannot be told: another option that sets values, an
    item of a list, a text that is filled in for anything but an image. With ``texts`` such keys are told there instead:
    ``are_written_down`` says whether any text does for them."""
    out: dict[str, Any] = {}
    for option, written in options:
        if option == "--post-renderer" or option.startswith("--set"):
            if option not in ("--set", "--set-string") or "\\" in line or not written:
                return None
            for pair in written.split(","):
                key, _, text = pair.partition("=")
                if not _take(out, key, text, as_text=option == "--set-string", texts=texts):
                    return None
    return out


def _take(
    out: dict[str, Any], key: str, written: str, *, as_text: bool, texts: list[str] | None
) -> bool:
    if not _KEY.fullmatch(key):
        return False
    *above, last = key.split(".")
    if _LITERAL.fullmatch(written):
        value = written if as_text else _typed(written)
    elif _is_of_images(last):
        value = FILLED_IN
    elif texts is not None and _FILLED.fullmatch(written):
        texts.append(key)
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


def are_written_down(templates: Iterable[str], keys: Iterable[str]) -> bool:
    """Do templates nothing with the values but write them down, so that what else they make is the same for any text?"""
    wanted = [key.split(".") for key in keys]
    for template in templates:
        if "{{" in template and any(not _writes_down(template, key) for key in wanted):
            return False
    return True


def _writes_down(template: str, key: list[str]) -> bool:
    alone = rf"\.Values\.{re.escape('.'.join(key))}"
    rest = re.sub(rf"\{{\{{-?\s*\$?{alone}\s*(?:\|\s*s?quote\s*)?-?\}}\}}", "", template)
    # The value, what it stands in, or all values, for anything else; or values that are asked for by a computed name.
    reached = ["", *(".".join(key[:n]) for n in range(1, len(key) + 1))]
    for name in reached:
        path = rf"\.Values{re.escape('.' + name) if name else ''}"
        if re.search(rf"{path}(?![A-Za-z0-9_-])(?!\.[A-Za-z0-9_])", rest):
            return False
    return not re.search(r"\btpl\b", rest)

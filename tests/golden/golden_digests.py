"""Digests of what K-Fix answers: equal digests mean that code was moved and nothing else.

``digests.json`` keeps one line a case: a made-up fault with a seed and a language, a captured case, a sample of publish,
and the surfaces that people rely on (Avro schemas, settings, command line).

    python -m tests.golden.golden_digests          names the cases that answer otherwise than digests.json
    python -m tests.golden.golden_digests write    makes digests.json anew
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.golden import golden_product as product

KEPT = Path(__file__).with_name("digests.json")
SEEDS = (3, 21)
#: Fields that differ from run to run, what a model's answer cost, and the rules' version, which is no answer.
_VOLATILE = {"elapsed_ms", "rules_version", "model_calls", "input_tokens", "output_tokens"}

#: A case's parts, each with the digest of it.
Digests = dict[str, dict[str, str]]


def digests() -> Digests:
    """All cases, by name."""
    found: Digests = {}
    for name, parts in _cases():
        assert name not in found, name
        found[name] = {part: digest(value) for part, value in parts.items()}
    return found


def digest(value: Any) -> str:
    """16 hexadecimal digits of a value's JSON, whatever the order of its keys and wherever the checkout is."""
    text = json.dumps(_steady(value), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.replace(str(product.ROOT), "ROOT").encode()).hexdigest()[:16]


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _steady(item) for key, item in value.items() if _told(key, item)}
    return [_steady(item) for item in value] if isinstance(value, list) else value


def _told(key: str, item: Any) -> bool:
    """A sentence counts as it reads; what it says beside that (``X_text``) shows where it is read in another language.

    That no rule broke is no part of the answer; that one did is. How the alert is asked after has tests of its own.
    """
    if (key == "broken" and not item) or key == "watched":
        return False
    return key not in _VOLATILE and not key.endswith("_text")


def _cases() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for fault in sorted(product.FAULTS):
        for seed in SEEDS:
            bundle, files = product.broken(fault, seed)
            for language in product.LANGUAGES:
                yield f"fault/{fault}/{seed}/{language}", _answer(bundle, files, language)
    for folder in sorted(path.name for path in product.CASES.iterdir() if path.is_dir()):
        bundle, files = product.captured(folder)
        for language in product.LANGUAGES:
            yield f"captured/{folder}/{language}", _answer(bundle, files, language)
    for language in product.LANGUAGES:
        yield (
            f"publish/sample/{language}",
            {"text": product.told(product.sample.record(), language)},
        )
        for attack in product.ATTACKS:
            text = product.told(product.poisoned(attack), language)
            yield f"publish/{attack!a}/{language}", {"text": text}
    yield from ((f"avro/{name}", {"schema": text}) for name, text in product.avro())
    yield "settings", {"page": product.settings_text()}
    yield "command line", {"help": product.command_line()}


def _answer(bundle: Any, files: Mapping[str, bytes], language: Any) -> dict[str, Any]:
    candidate = product.decided(bundle, language)
    validated = product.examined(candidate, files)
    return {
        "candidate": candidate.model_dump(mode="json"),
        "validated": validated.model_dump(mode="json"),
        "diff": [[edit.diff for edit in plan.edits] for plan in validated.plans],
        "text": product.told(validated, language),
    }


def kept() -> Digests:
    """The digests of ``digests.json``."""
    found: Digests = json.loads(KEPT.read_text())
    return found


def differences(before: Digests, after: Digests) -> list[str]:
    """One line for each case that is new, gone, or answers otherwise, with the parts that differ."""
    lines = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            lines.append(f"{name}: {'new' if old is None else 'gone'}")
        elif parts := [p for p in sorted(old.keys() | new.keys()) if old.get(p) != new.get(p)]:
            lines.append(f"{name}: {', '.join(parts)}")
    return lines


def written(found: Digests) -> str:
    """The text of ``digests.json``: one line a case, so that a change shows what it changes."""
    lines = (f"{json.dumps(name)}: {json.dumps(found[name])}" for name in sorted(found))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main(arguments: list[str]) -> int:
    """Compares, or writes."""
    now = digests()
    changed = differences(kept() if KEPT.exists() else {}, now)
    print(*changed, f"{len(changed)} of {len(now)} cases differ", sep="\n")
    if arguments == ["write"]:
        KEPT.write_text(written(now))
        return 0
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

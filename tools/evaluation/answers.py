"""The right answers of a folder of cases, and how our classes are called there."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import orjson

from tools.evaluation.score import Truth, Wanted


def truths(folder: Path) -> list[Truth]:
    """One per ``<case>.json``: ``category``, ``root_cause`` (a label or a class id), ``fault_object``, ``status``, ``fix``.

    ``fix`` lists what a right plan changes: ``object``, ``path`` and, where only one will do, ``value``. Beside the folder,
    ``repairs/<case>.json`` may tell what came of a change that was tried: ``change`` and ``outcome``.
    """
    out = []
    for path in sorted(folder.glob("*.json")):
        raw: dict[str, Any] = orjson.loads(path.read_bytes())
        tried = _tried(folder.parent / "repairs" / path.name)
        fix = [
            Wanted(str(w["object"]), str(w["path"]), w.get("value")) for w in raw.get("fix") or ()
        ]
        out.append(
            Truth(
                case=path.stem,
                family=str(raw.get("category") or "all"),
                label=str(raw.get("root_cause") or ""),
                object=str(raw.get("fault_object") or ""),
                status=str(raw.get("status") or ""),
                fix=tuple(fix),
                tried=str(tried.get("change") or ""),
                repaired=_OUTCOMES.get(str(tried.get("outcome") or "")),
            )
        )
    return out


#: What is known of a tried change; of others nothing is.
_OUTCOMES = {"repaired": True, "not repaired": False, "refused": False}


def _tried(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(path.read_bytes()) if path.is_file() else {}
    return found


def mapping() -> Mapping[str, list[str]]:
    """Class ids to the labels that other collections of cases use for them."""
    text = resources.files("tools.evaluation").joinpath("mapping.json").read_bytes()
    classes: dict[str, list[str]] = orjson.loads(text)["classes"]
    return classes

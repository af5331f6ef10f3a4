"""Is what Python would import as our packages ours? Asked before anything of them is imported.

The packages have short names (``safety``, ``schemas``) that other distributions use too. Python takes whichever comes first on
its path, and pip lets one distribution write over another's files without a word: then checks of somebody else would run.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from hashlib import sha256
from importlib import metadata, util
from importlib.machinery import ModuleSpec
from pathlib import Path

import kfix

#: Every import package of the distribution but ``kfix``, which asks.
PACKAGES = (
    "schemas",
    "manifests",
    "ingest",
    "enrich",
    "decide",
    "safety",
    "publish",
    "learn",
    "console",
    "sandbox",
    "playbooks",
)


def complaint() -> str:
    """Why K-Fix must not start, and what to do, in one line; empty when all packages are ours. Imports none of them."""
    home = os.path.realpath(Path(kfix.__path__[0]).parent)
    recorded = _recorded()
    for name in PACKAGES:
        trouble = _trouble(util.find_spec(name), home, recorded.get(name))
        if trouble:
            return _told(name, trouble)
    return ""


def _trouble(spec: ModuleSpec | None, home: str, noted: str | None) -> str:
    if spec is None:
        return "is missing"
    place = next(iter(spec.submodule_search_locations or ()), spec.origin or "")
    if os.path.realpath(Path(place).parent) != home:
        return f"is somebody else's: Python finds {place}"
    if spec.origin is None or _altered(Path(spec.origin), noted):
        return f"has been written over: {place}"
    return ""


def _recorded() -> dict[str, str]:
    """What pip noted of each package's first file when it installed K-Fix; nothing for a source tree."""
    try:
        files = metadata.files("kfix") or []
    except metadata.PackageNotFoundError:
        return {}
    return {
        file.parts[0]: file.hash.value
        for file in files
        if file.hash is not None
        and file.hash.mode == "sha256"
        and file.parts[1:] == ("__init__.py",)
    }


def _altered(first: Path, noted: str | None) -> bool:
    """Does the package's first file differ from what was installed? Byte code alone, or a zip, is not compared."""
    if noted is None or first.suffix != ".py" or not first.is_file():
        return False
    return urlsafe_b64encode(sha256(first.read_bytes()).digest()).decode().rstrip("=") != noted


def _told(name: str, what: str) -> str:
    others = sorted(set(metadata.packages_distributions().get(name, ())) - {"kfix"})
    by = f" (installed here too: {', '.join(others)})" if others else ""
    return (
        f"the package {name} {what}{by}. Install K-Fix into an environment of its own: "
        "python -m venv, then pip install --force-reinstall kfix"
    )

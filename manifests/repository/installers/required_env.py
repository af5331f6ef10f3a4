"""helmfiles that one variable of the shell tells environments apart in: ``{{ requiredEnv "ENV" }}``, ``{{ env "ENV" }}``.
Pure.

Source: helmfile's templating page: a values file that is not there fails, so that the variable has one for which it is.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from manifests.repository.environments import is_called

_HOLE = r'\{\{-?\s*(?:requiredE|e)nv\s+"([A-Za-z_][A-Za-z0-9_]*)"\s*(?:\|\s*default\s+"[^"]*"\s*)?'
_VALUE = re.compile(_HOLE + r"-?\}\}")
#: Is it one environment? A value of YAML, which is true or false.
_IS = re.compile(_HOLE + r'\|\s*eq\s+"([^"]*)"\s*-?\}\}')
_FILE = re.compile(r"""(?m)^\s*-\s*["']?([^\s"'{}][^\n"']*\{\{[^\n]*?\.ya?ml)["']?\s*(?:#.*)?$""")
#: Environments that are looked at.
_MANY = 30


def by_environment(path: str, content: str, files: Iterable[str]) -> dict[str, str]:
    """The text of a helmfile as each value of its variable makes it, by value; empty where it has no such variable or
    several. The values are those of the files that exist among those which lists of the helmfile name with it, where one
    of them is called like an environment."""
    names = {found[1] for found in re.finditer(_HOLE, content)}
    if len(names) != 1:
        return {}
    folder = posixpath.dirname(path)
    shapes = [_shape(folder, found[1]) for found in _FILE.finditer(content)]
    wanted = re.compile("|".join(shapes) or r"(?!)")
    values = {
        next(value for value in found.groups() if value)
        for file in files
        if (found := wanted.fullmatch(file)) is not None
    }
    if len(values) > _MANY or not any(map(is_called, values)):
        return {}
    return {value: _filled(content, value) for value in sorted(values)}


def _shape(folder: str, written: str) -> str:
    """A pattern of the files that a path may mean, whose group is the variable's value."""
    if not _VALUE.search(written):
        return r"(?!)"
    parts = _VALUE.sub("\0", written)
    first, *rest = posixpath.normpath(posixpath.join(folder, parts)).split("\0")
    return re.escape(first) + r"([\w.-]+)" + r"[\w.-]+".join(map(re.escape, rest))


def _filled(content: str, value: str) -> str:
    content = _IS.sub(lambda found: "true" if found[2] == value else "false", content)
    return _VALUE.sub(lambda _: value, content)

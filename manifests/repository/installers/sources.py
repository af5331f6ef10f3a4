"""Programs and configurations of other tools that make, read or change files: what they mention, nobody here can render.

Pure. jsonnet, cdk8s, Terraform, ytt, CUE, Skaffold, Tilt and their like: the text is searched for paths, nothing is run.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from kfix.texts import say
from manifests.repository.index import RepositoryIndex

#: Languages that manifests are made with, or read by.
_LANGUAGES = (
    ".jsonnet", ".libsonnet", ".tf", ".tofu", ".hcl", ".tfvars", ".cue", ".star", ".ts", ".py", ".js", ".mjs", ".rb",
    ".dhall", ".k", ".pkl", ".nix", ".libjsonnet", ".ytt", ".bzl", ".go",
)  # fmt: skip
_TOOLS = re.compile(
    r"(Tiltfile|werf[^/]*\.yaml|devspace\.yaml|garden\.ya?ml|okteto\.ya?ml|kluctl\.yaml"
    r"|\.kluctl\.yaml|vendir\.ya?ml|cdk8s\.yaml|Pulumi[^/]*\.yaml|jsonnetfile\.json|kapp[^/]*\.ya?ml|kbld[^/]*\.ya?ml"
    r"|helmsman[^/]*\.ya?ml|\.?landscape\.ya?ml|timoni[^/]*|BUILD(\.bazel)?|[Ee]arthfile|kompose\.ya?ml|ship\.ya?ml"
    r"|\.holos[^/]*|docker-compose[^/]*\.ya?ml|score\.ya?ml|compose\.ya?ml)$"
)
_QUOTED = re.compile(r"""["'`]([\w.{}$/ *-]{2,160})["'`]""")
_BARE = re.compile(r"[\w.{}$*-]*(?:/[\w.{}$*-]+)+/?|[\w-]+\.(?:ya?ml|json)\b")
_HOLE = re.compile(r"\$\{[^}]*\}|\{[^}]*\}|\$\w+|\*+")
#: Words that every manifest's path may have; alone they mean no file.
_TOO_SHORT = 3


@dataclass(frozen=True, slots=True)
class InstallerSource:
    """A text that may make or read files of the repository: those that ``pattern`` means."""

    path: str
    pattern: re.Pattern[str]
    why: str


def is_source(path: str) -> bool:
    """Is it a text of a tool whose doings are not followed here?"""
    return _is_called_so(path.rpartition("/")[2])


@lru_cache(maxsize=4096)
def _is_called_so(name: str) -> bool:
    return name.endswith(_LANGUAGES) or bool(_TOOLS.match(name))


def sources(index: RepositoryIndex) -> Iterator[InstallerSource]:
    """Every such text that names files or folders which are there."""
    for path, content in index.files.items():
        if not is_source(path) or _is_in_chart(index, path):
            continue
        text = content if isinstance(content, str) else content.decode("utf-8", "replace")
        pattern = _mentioned(path, text, index)
        if pattern is not None:
            yield InstallerSource(path, pattern, say("manifests.nobody_here_can_run"))


def _is_in_chart(index: RepositoryIndex, path: str) -> bool:
    """Files that a chart carries along (scripts of ConfigMaps, dashboards) are data of the chart."""
    folder = posixpath.dirname(path)
    while folder:
        if f"{folder}/Chart.yaml" in index.texts:
            return True
        folder = posixpath.dirname(folder)
    return False


def _mentioned(path: str, text: str, index: RepositoryIndex) -> re.Pattern[str] | None:
    """The files and folders of the repository that the text means."""
    here = posixpath.dirname(path)
    starts = list(dict.fromkeys((here, posixpath.dirname(here), "")))
    shapes: dict[str, None] = {}
    if posixpath.basename(path) == "cdk8s.yaml":
        output = re.search(r"(?m)^output:\s*(\S+)", text)
        text += f'\n"{output[1] if output else "dist"}/"'
    words = {m[1].strip() for m in _QUOTED.finditer(text)} | set(_BARE.findall(text))
    for word in words:
        for start in starts:
            shapes |= dict.fromkeys(_shapes(word, start, index))
    return re.compile("|".join(shapes)) if shapes else None


def _shapes(word: str, start: str, index: RepositoryIndex) -> Iterator[str]:
    rooted = word.lstrip("/") if not word.startswith("../") else word
    rooted = re.sub(
        r"^\$\{(path\.module|path\.root|[A-Za-z_.]*(?:dir|Dir|DIR|root|ROOT)[A-Za-z_.]*)\}/",
        "",
        rooted,
    )
    joined = posixpath.normpath(posixpath.join(start, rooted))
    if joined.startswith("..") or joined == ".":
        return
    if _HOLE.search(joined):
        body = "[^/]*".join(re.escape(part) for part in _HOLE.split(joined))
        letters = re.sub(r"[^A-Za-z]", "", _HOLE.sub("", joined))
        if len(letters) >= _TOO_SHORT:
            yield body + "(/.*)?"
    elif joined in index.texts:
        yield re.escape(joined)
    elif joined in index.folders() and ("/" in word or start or word == joined):
        yield re.escape(joined) + "/.*"

"""A GitLab pipeline as the scripts of its jobs, each with the variables that the file gives it. Pure.

Sources: GitLab's CI/CD YAML reference: ``extends``, ``variables``, ``rules:variables``, ``parallel:matrix``,
``environment``, ``before_script``; predefined variables. What another file or a step hands over is not known here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from manifests.objects.shapes import mapping, mappings, text
from manifests.refused import NotEditable
from manifests.repository.index import RepositoryIndex
from manifests.text import equivalence

_PIPELINE = re.compile(r"(^|/)[^/]*\.ya?ml$")
_COMMAND = re.compile(
    r"\b(?:helm|kubectl|oc|kustomize|kapp|argocd|flux|ytt|envsubst|yq|sed)\b[^\n;&|]*"
)
_PLAIN = re.compile(r"[\w./:@+-]*")
_USE = re.compile(r"\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)")
_SHOWN = re.compile(r"[^A-Za-z0-9/._=-]")
_ANCHORED = re.compile(r"(?m)^(\.[\w.-]+):[ \t]*&([\w-]+)")
_MERGED = re.compile(r"<<:[ \t]*(\*[\w-]+|\[[^\]\n]*\])")
#: Templates that extend each other, turns of a matrix, jobs of a file.
_DEEP, _TURNS, _JOBS = 10, 40, 200


@dataclass(frozen=True, slots=True)
class Job:
    """What one job runs. ``environment``: where it says it deploys to; empty where it does not say, or fills it in."""

    text: str
    environment: str = ""


def jobs(index: RepositoryIndex, path: str, content: str) -> list[Job]:
    """The jobs of a pipeline that run all its commands; the text as it is where it is no pipeline of GitLab."""
    whole = [Job(content)]
    if not _PIPELINE.search(path) or "script:" not in content or not _COMMAND.search(content):
        return whole
    try:
        documents = [equivalence.filled(one.root) for one in index.readings.read(content)]
    except NotEditable:
        return whole
    said = {
        key: value for one in documents if isinstance(one, Mapping) for key, value in one.items()
    }
    if len(documents) > 2 or "jobs" in said:
        return whole
    merged = _merged(content)
    made = _jobs(index, path, said, merged, known="dotenv:" not in content)
    found = list(itertools.islice(made, _JOBS))
    run = _squeezed("\n".join(job.text for job in found))
    written = [_squeezed(one[0]) for one in _COMMAND.finditer(re.sub(r"\\\r?\n", " ", content))]
    return found if found and all(one in run for one in written) else whole


def _squeezed(words: str) -> str:
    return _SHOWN.sub("", words)


def _jobs(
    index: RepositoryIndex, path: str, said: Mapping[str, Any], merged: set[str], *, known: bool
) -> Iterator[Job]:
    extended = {str(name) for one in said.values() for name in _extends(one)} | merged
    for name, own in said.items():
        if not isinstance(own, Mapping):
            continue
        hidden = str(name).startswith(".")
        if hidden and name in extended and not _is_used_elsewhere(index, path, str(name)):
            continue
        job = _whole(said, own)
        script = [
            *_lines(_before(said, job)),
            *_lines(job.get("script")),
            *_lines(job.get("after_script")),
        ]
        if not script:
            continue
        for variables in _variables(said, job) if known and not hidden else [{}]:
            yield _made(script, job, variables)


def _merged(content: str) -> set[str]:
    """Templates that jobs merge by their anchor: ``<<: *deploy``."""
    used = {
        name for found in _MERGED.finditer(content) for name in re.findall(r"\*([\w-]+)", found[1])
    }
    return {found[1] for found in _ANCHORED.finditer(content) if found[2] in used}


def _is_used_elsewhere(index: RepositoryIndex, path: str, name: str) -> bool:
    """May a file that includes this one take the template up?"""
    named = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-])")
    return any(other != path and named.search(index.texts[other]) for other in _pipelines(index))


def _pipelines(index: RepositoryIndex) -> list[str]:
    """Files that may be pipelines, looked for once for an index."""
    known = index.memo.get("pipelines")
    if not isinstance(known, list):
        known = [
            path
            for path, content in index.texts.items()
            if _PIPELINE.search(path) and ("script:" in content or "extends:" in content)
        ]
        index.memo["pipelines"] = known
    return known


def _extends(job: Any) -> list[Any]:
    said = job.get("extends") if isinstance(job, Mapping) else None
    return said if isinstance(said, list) else [said] if said else []


def _whole(said: Mapping[str, Any], job: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """The job over the templates that it extends: mappings are merged, all else is replaced."""
    out: dict[str, Any] = {}
    for name in _extends(job) if depth < _DEEP else ():
        below = said.get(name)
        if isinstance(below, Mapping):
            out = _over(out, _whole(said, below, depth + 1))
    return _over(out, job)


def _over(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(low)
    for key, value in high.items():
        below = out.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            value = _over(below, value)  # noqa: PLW2901
        out[key] = value
    return out


def _before(said: Mapping[str, Any], job: Mapping[str, Any]) -> Any:
    default = mapping(said, "default").get("before_script", said.get("before_script"))
    return job.get("before_script", default)


def _lines(script: Any) -> list[str]:
    if isinstance(script, str):
        return [script]
    return [line for one in script for line in _lines(one)] if isinstance(script, list) else []


def _variables(said: Mapping[str, Any], job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The variables of each run of the job, as they are written."""
    own = {**mapping(said, "variables"), **mapping(job, "variables")}
    rules = [*mappings(said, "workflow", "rules"), *mappings(job, "rules")]
    told = [{}, *(mapping(rule, "variables") for rule in rules if mapping(rule, "variables"))]
    for more, turn in itertools.islice(itertools.product(told, _matrix(job)), _TURNS):
        yield {**own, **turn, **more}


def _matrix(job: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = mappings(mapping(job, "parallel"), "matrix")
    turns: list[dict[str, Any]] = []
    for entry in entries:
        lists = [value if isinstance(value, list) else [value] for value in entry.values()]
        turns += [dict(zip(entry, turn, strict=True)) for turn in itertools.product(*lists)]
    return turns or [{}]


def _made(script: list[str], job: Mapping[str, Any], variables: Mapping[str, Any]) -> Job:
    known = _plain(variables)
    environment = job.get("environment")
    named = environment if isinstance(environment, str) else text(environment, "name")
    named = _expanded(named, known)
    if named and _PLAIN.fullmatch(named):
        known |= {"CI_ENVIRONMENT_NAME": named}
        known |= {"CI_ENVIRONMENT_SLUG": named} if re.fullmatch(r"[a-z0-9-]{1,24}", named) else {}
    else:
        named = ""
    lines = [f"{name}={value}" for name, value in known.items()]
    return Job("\n".join((*lines, *script)), named)


def _plain(variables: Mapping[str, Any]) -> dict[str, str]:
    """Those whose values are plain words, also of other variables."""
    said = {
        str(name): str(_value(value))
        for name, value in variables.items()
        if isinstance(_value(value), str | int) and not isinstance(_value(value), bool)
    }
    for _ in range(3):
        said = {name: _expanded(value, said, but=name) for name, value in said.items()}
    return {name: value for name, value in said.items() if _PLAIN.fullmatch(value)}


def _value(value: Any) -> Any:
    """The value of a variable that is written with a description."""
    return value.get("value") if isinstance(value, Mapping) else value


def _expanded(word: str, known: Mapping[str, str], but: str = "") -> str:
    def one(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        return known.get(name, found[0]) if name != but else found[0]

    return _USE.sub(one, word)

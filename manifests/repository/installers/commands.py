"""Commands of scripts and CI files that apply manifests or install charts: ``kubectl apply -f``, ``helm upgrade -f``.

Pure: the text is read, nothing is run. What a shell fills in is anything.
"""

from __future__ import annotations

import functools
import itertools
import posixpath
import re
import shlex
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from kfix.texts import say
from manifests.repository import dependencies
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers import (
    cases,
    gitlab_jobs,
    grown,
    set_options,
    shell_values,
)
from manifests.repository.installers.shell_values import Tree

_NAMES = re.compile(
    r"(Makefile|[^/]+\.mk|Jenkinsfile[^/]*|[Jj]ustfile|Taskfile\.ya?ml|Tiltfile|[^/]+\.(sh|bash|groovy|ps1)"
    r"|\.gitlab-ci[^/]*\.ya?ml|[^/]*azure-pipelines[^/]*\.ya?ml|bitbucket-pipelines\.ya?ml|cloudbuild\.ya?ml)$"
)
_IN_PIPELINE = re.compile(r"[^/]+\.ya?ml$")
#: Ends of the folders that pipelines are described in.
_PIPELINES = (
    "/.github/workflows", "/.circleci", "/.gitlab", "/.gitlab-ci", "/.ci", "/.tekton", "/.drone", "/.buildkite", "/ci",
)  # fmt: skip
_COMMAND = re.compile(
    r"\b(helm|kubectl|oc|kustomize|kapp|ytt|envsubst|jsonnet|kubecfg|cdk8s|kompose|yq|sed|argocd|flux)\b[^\n;&|]*"
)
_VARIABLE = re.compile(r"\$\(\(?[^)]*\)\)?|\{\{.*?\}\}|<[^>]*>|%[A-Z_]+%")
_ANY = "\x00"
_INTO = re.compile(r"(?:\b(?:cd|pushd)\s+|\bworking-directory:\s*)[\"']?([\w./-]+)")
_LOOP = re.compile(
    r"\bfor\s+(\w+)\s+in[ \t]([^;\n]{1,500})[;\n]\s{0,40}do\b(.{0,1000}?)\bdone\b", re.DOTALL
)
_WORD = re.compile(r"[\w./-]+")
#: What may give the word of a loop another value, or begin another one.
_INSIDE_LOOP = re.compile(r"\b(?:for|while|until|case|read)\b")
#: Words of a loop that are filled in.
_TURNS = 20
#: Folders that a script goes into, the latest ones.
_INSIDE = 40
#: What a makefile is called.
_MAKE = re.compile(r"(^|/)(Makefile|[^/]+\.mk)$")
#: Signs of a command that are shown.
_SHOWN = 160
#: Commands of one script whose variables are filled in.
_FILLED = 100
#: Loops of one script that are followed.
_LOOPS = 50
#: Scripts that try manifests out in a cluster of the pipeline's own.
_TRIED_OUT = frozenset({"e2e", "lint", "validate", "kind", "minikube", "local", "check", "checks"})
#: The same, or an environment that is called so.
_TESTED = frozenset({"test", "tests", "testing"})
_PLACES = frozenset({"env", "envs", "environments", "clusters", "stages"})
_DEPLOYING = frozenset(
    {"deploy", "deployment", "deliver", "release", "rollout", "apply", "install", "promote", "upgrade", "cd"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class InstallCommand:
    """One command that installs something. Words with a variable in them hold ``ANY`` in its place."""

    place: str
    line: str
    program: str
    #: Chart (helm), or folder or file that is applied or built.
    subject: str
    name: str = ""
    namespace: str = ""
    value_files: tuple[str, ...] = ()
    #: Does it set values or rewrite files in ways that are not followed?
    trouble: str = ""
    recursive: bool = False
    #: Folders that the script went into before it.
    inside: tuple[str, ...] = ()
    #: The context of a kubeconfig that it names; empty: none, or one that a shell fills in.
    cluster: str = ""
    #: The environment that the pipeline's job says it deploys to.
    environment: str = ""
    #: Values that helm's command line sets, over all others.
    sets: Mapping[str, Any] = field(default_factory=dict)
    #: Those of them that a shell fills in with any text.
    texts: tuple[str, ...] = ()


def is_script(path: str) -> bool:
    """Is it a file that runs commands?"""
    folder, _, name = path.rpartition("/")
    piped = f"/{folder}".endswith(_PIPELINES) and bool(_IN_PIPELINE.match(name))
    return piped or _is_called_so(name)


@lru_cache(maxsize=4096)
def _is_called_so(name: str) -> bool:
    return bool(_NAMES.match(name))


def commands(index: RepositoryIndex) -> list[InstallCommand]:
    """The commands of all scripts, read once for an index."""
    known = index.memo.get("commands")
    if not isinstance(known, list):
        known = index.memo["commands"] = list(_commands(index))
    return known


def _commands(index: RepositoryIndex) -> Iterator[InstallCommand]:
    tree = Tree(index.files.keys(), index.folders())
    for path, content in index.files.items():
        words = set(re.split(r"[^a-z0-9]+", path.lower())) if is_script(path) else _TRIED_OUT
        if words & _TRIED_OUT:
            continue
        text = content if isinstance(content, str) else content.decode("utf-8", "replace")
        tries = words & _TESTED and not _deploys(path)
        found = _of_jobs(index, path, text, tree)
        yield from (_checked(index, one) for one in found if not tries or _names_test(one))


def _of_jobs(index: RepositoryIndex, path: str, text: str, tree: Tree) -> Iterator[InstallCommand]:
    """The commands of a script; of a pipeline those of each of its jobs, with the job's variables."""
    for job in gitlab_jobs.jobs(index, path, text):
        for one in in_text(path, job.text, tree):
            yield replace(one, environment=job.environment or one.environment)


def _deploys(path: str) -> bool:
    """Is a script called like one that deploys, or in the folder of an environment?"""
    folder, _, name = path.lower().rpartition("/")
    return bool(_DEPLOYING & set(re.split(r"[^a-z0-9]+", name)) or _PLACES & set(folder.split("/")))


def _names_test(command: InstallCommand) -> bool:
    """Does a command name an environment that is called so?"""
    named = " ".join((command.subject, command.namespace, *command.value_files, command.cluster))
    return bool(_TESTED & set(re.split(r"[^a-z0-9]+", named.lower())))


def in_text(path: str, text: str, tree: Tree | None = None) -> Iterator[InstallCommand]:
    """The commands of one text, on every way through its cases. ``tree``: the repository's paths, of which those that a
    variable leads to are taken."""
    ways = cases.ways(text)
    if len(ways) == 1:
        yield from _in_way(path, ways[0].text, tree)
        return
    found: dict[str, tuple[InstallCommand, list[str]]] = {}
    for way in ways:
        for one in _in_way(path, way.text, tree):
            found.setdefault(repr(one), (one, []))[1].append(way.environment)
    for one, said in found.values():
        # What runs on every way, or on several, says nothing of an environment.
        yield replace(one, environment=said[0] if len(said) == 1 else "")


def _in_way(path: str, text: str, tree: Tree | None) -> Iterator[InstallCommand]:
    text = grown.joined(re.sub(r"\\\r?\n", " ", text))
    text = "\n".join((_LOOP.sub(_without_turns, text, _LOOPS), *_turns(text)))
    holes = shell_values.marked(text, make=bool(_MAKE.search(path)))
    text = _VARIABLE.sub(_ANY, holes.text)
    holes = replace(holes, text=text)
    into = deque((found.end(), _folder(path, found[1])) for found in _INTO.finditer(text))
    inside: dict[str, None] = {}
    left = _FILLED if tree is not None else 0
    for found in _COMMAND.finditer(text):
        stop = text.find("\n", found.end())
        rest = text[found.end() : stop if stop >= 0 else len(text)]
        if _only_shows(found[0], rest):
            continue
        line = found[0].strip().strip("'\"`,]}").strip()
        try:
            words = shlex.split(line.replace("\\", ""), comments=True)
        except ValueError:
            words = line.replace("'", "").replace('"', "").split()
        while into and into[0][0] <= found.start():
            inside.setdefault(into.popleft()[1])
        for one in _read(path, line, [w for w in words if w not in ("'", '"')]):
            read = replace(one, inside=tuple(inside)[-_INSIDE:])
            meant_ = _filled(read, holes, found.start(), tree if left > 0 else None)
            left -= shell_values.holds_mark(line)
            yield from (_map_words(each, _blanked) for each in meant_)


def _filled(
    command: InstallCommand, holes: shell_values.Marked, position: int, tree: Tree | None
) -> Iterator[InstallCommand]:
    """The command with each way to fill its variables in; as it is where those are not known."""
    charted = command.program == "helm"
    own = posixpath.dirname(command.place)
    starts = dict.fromkeys(
        posixpath.join(start, folder)
        for folder in ("", *command.inside)
        for start in ("", own, posixpath.dirname(own))
    )
    subject = f"{command.subject}/Chart.yaml" if charted else command.subject
    words = (*command.value_files, subject, command.name, command.namespace, command.cluster)
    literal = dict(shell_values.literals(holes, words, position))
    if tree is None or not _can_be_filled(command, literal, tree, starts):
        yield command
        return
    files = [*command.value_files, *([subject] if charted else [])]
    ways = shell_values.resolved(files, [] if charted else [subject], literal, tree, starts)
    sure = {mark: values[0] for mark, values in literal.items() if len(values) == 1}
    for way in ways or [{}]:
        yield _map_words(command, functools.partial(shell_values.filled, said=sure | way))


def _can_be_filled(
    command: InstallCommand, literal: Mapping[str, list[str]], tree: Tree, starts: Iterable[str]
) -> bool:
    """Does it install from here, by paths that say more than what is filled in?"""
    if command.program not in ("helm", "kubectl", "oc", "kapp", "kustomize"):
        return False
    if not shell_values.holds_mark(command.line):
        return False
    known = {mark: values[0] for mark, values in literal.items()}
    words = [shell_values.filled(word, known) for word in (*command.value_files, command.subject)]
    subject = words[-1]
    if command.program != "helm" or shell_values.holds_mark(subject):
        return not any(map(says_nothing, words))
    chart = posixpath.join(subject, "Chart.yaml")
    return not any(map(says_nothing, words[:-1])) and any(
        posixpath.normpath(posixpath.join(start, chart)) in tree.files for start in starts
    )


def _blanked(word: str) -> str:
    return shell_values.blanked(word, _ANY)


def _map_words(command: InstallCommand, change: Callable[[str], str]) -> InstallCommand:
    return replace(
        command,
        line=change(command.line), subject=change(command.subject), name=change(command.name),
        namespace=change(command.namespace), cluster=change(command.cluster),
        value_files=tuple(map(change, command.value_files)),
    )  # fmt: skip


def _turns(text: str) -> Iterator[str]:
    """What a loop over words runs, for each of them; a pattern among the words is anything."""
    for found in itertools.islice(_LOOP.finditer(text), _LOOPS):
        for word in found[2].split()[:_TURNS]:
            meant = word.replace("*", _ANY)
            turn = re.sub(
                rf"\$\{{{found[1]}\}}|\${found[1]}\b", lambda _, meant=meant: meant, found[3]
            )
            # Lines of a loop stand within something, wherever they are read.
            yield re.sub(r"(?m)^", " ", turn)


def _without_turns(loop: re.Match[str]) -> str:
    """A loop as it is read beside its turns: not at all where each of them is known by its word."""
    words = loop[2].split()
    known = len(words) <= _TURNS and all(_WORD.fullmatch(word) for word in words)
    other = _INSIDE_LOOP.search(loop[3]) or re.search(rf"\b{loop[1]}=", loop[3])
    return "" if known and not other else loop[0]


def _only_shows(command: str, rest: str) -> bool:
    """Checks of a pipeline render and look; what deploys hands the rendering on."""
    shown = re.match(r"(helm\s+(template|diff|lint)|kustomize)\b", command)
    return bool(shown) and not re.search(r"\b(apply|kapp|create|replace)\b|>", command + rest)


def _read(path: str, line: str, words: list[str]) -> Iterator[InstallCommand]:
    program = words[0] if words else ""
    if program == "helm":
        yield from _helm(path, line, words[1:])
    elif program in ("kubectl", "oc", "kapp"):
        yield from _apply(path, line, program, words[1:])
    elif program == "kustomize" and "build" in words:
        for word in words[words.index("build") + 1 :]:
            if not word.startswith("-"):
                yield InstallCommand(path, line, "kustomize", _folder(path, word))
                break
    elif program in ("argocd", "flux") and "create" in words:
        why = say("manifests.told_so_on_command_line", program=program)
        for option, value in _options(words):
            if option == "--path" and value:
                yield InstallCommand(path, line, program, _folder(path, value), trouble=why)
    elif program in ("ytt", "envsubst", "jsonnet", "kubecfg", "cdk8s", "kompose", "yq", "sed"):
        yield from _rewriting(path, line, program, words[1:])


def _options(words: list[str], alone: str = "") -> Iterator[tuple[str, str]]:
    """(option, value); plain words have the option ``""``. ``alone``: an option that takes no value here."""
    at = 0
    while at < len(words):
        word = words[at]
        if word.startswith("-"):
            name, equals, value = word.partition("=")
            takes = name in _TAKING and name != alone
            if not equals and takes and at + 1 < len(words):
                at += 1
                value = words[at]
            yield name, value
        else:
            yield "", word
        at += 1


_TAKING = frozenset(
    {
        "-f", "--values", "--filename", "-k", "--kustomize", "-n", "--namespace", "--set", "--set-string", "--set-file",
        "--kube-context", "--context", "--version", "--repo", "--timeout", "--kubeconfig", "-a", "--app", "--post-renderer",
        "-o", "--output", "--history-max", "--set-json", "-l", "--selector", "-m", "--file", "-i", "--path",
    }
)  # fmt: skip


def _helm(path: str, line: str, words: list[str]) -> Iterator[InstallCommand]:
    options = list(_options(words, alone="-i"))
    plain = [value for name, value in options if not name]
    if not plain or plain[0] not in ("upgrade", "install", "template", "diff"):
        return
    plain = [word for word in plain if word not in ("upgrade", "install", "template", "diff")]
    if not plain:
        return
    name, chart = (plain[0], plain[1]) if len(plain) > 1 else ("", plain[0])
    files = [
        _folder(path, one)
        for option, value in options
        if option in ("-f", "--values")
        for one in value.split(",")
    ]
    texts: list[str] = []
    sets = set_options.values_of(options, line, texts)
    namespace = next((v for o, v in options if o in ("-n", "--namespace")), "")
    trouble = say("manifests.command_line_sets_values") if sets is None else ""
    yield InstallCommand(
        path, line, "helm", _folder(path, chart), name, namespace, tuple(files), trouble,
        cluster=_context(options), sets=sets or {}, texts=tuple(texts),
    )  # fmt: skip


def _context(options: list[tuple[str, str]]) -> str:
    said = next((v for o, v in options if o in ("--context", "--kube-context")), "")
    return "" if holds_any(said) else said


def _apply(path: str, line: str, program: str, words: list[str]) -> Iterator[InstallCommand]:
    if not {"apply", "create", "replace", "deploy"} & set(words):
        return
    options = list(_options(words))
    namespace = next((v for o, v in options if o in ("-n", "--namespace")), "")
    recursive = any(option in ("-R", "--recursive") for option, _ in options) or program == "kapp"
    for option, value in options:
        if option in ("-f", "--filename", "-k", "--kustomize") and value not in ("", "-"):
            for one in value.replace("*", _ANY).split(","):
                yield InstallCommand(
                    path, line, program, _folder(path, one), "", namespace, recursive=recursive,
                    cluster=_context(options),
                )  # fmt: skip


def _rewriting(path: str, line: str, program: str, words: list[str]) -> Iterator[InstallCommand]:
    for word in (written.lstrip("<>").strip("'\"") for written in words):
        if (
            re.search(r"[/.]", word)
            and not word.startswith("-")
            and re.fullmatch(rf"[\w./\x00{shell_values.MARKS}*-]+", word)
        ):
            yield InstallCommand(
                path,
                line,
                program,
                _folder(path, word),
                trouble=say("manifests.makes_or_changes", program=program),
                recursive=True,
            )


def _folder(path: str, written: str) -> str:
    """Scripts are run from the repository's root or from their own folder; both are tried by the reader."""
    written = written.strip("'\"")
    folder = posixpath.normpath(written.removeprefix("./") or ".")
    return "" if folder == "." else folder.lstrip("/")


def pattern_of(command: InstallCommand, written: str) -> re.Pattern[str]:
    """The paths that a written one may mean, from the root, from the script's folder and those above it."""
    body = re.escape(written.lstrip("./") if written.startswith("..") else written)
    body = body.replace(re.escape(_ANY), "[^/]*").replace("\x00", "[^/]*").replace(r"\*", "[^/]*")
    folder = re.escape(posixpath.dirname(command.place))
    start = (
        f"({folder}/)?"
        if folder and not written.startswith("..")
        else "(.*/)?"
        if written.startswith("..")
        else ""
    )
    return re.compile(f"{start}{body}(/.*)?" if body else ".*")


def holds_any(written: str) -> bool:
    """Does a shell fill something in?"""
    return _ANY in written or shell_values.holds_mark(written)


def says_nothing(written: str) -> bool:
    """Is it nothing but what a shell fills in?"""
    return len(re.sub(r"[^A-Za-z]", "", written)) < 2 and holds_any(written)


@dataclass(frozen=True, slots=True)
class CommandChart:
    """A chart of the repository as a command installs it."""

    said_by: str
    chart: str
    name: str
    namespace: str
    value_files: tuple[str, ...]
    words: tuple[str, ...]
    trouble: str = ""
    #: Values that its command line sets, over all others.
    sets: Mapping[str, Any] = field(default_factory=dict)


def said_of(command: InstallCommand) -> str:
    """What people call it."""
    line = command.line
    if len(line) > _SHOWN:
        line = f"{line[: _SHOWN // 2]} … {line[-_SHOWN // 2 :]}"
    return f"`{line}` in {command.place}".replace(_ANY, "…")


def words_of(command: InstallCommand) -> tuple[str, ...]:
    """What of it may name an environment: values files and names before the script's own path."""
    said = (
        command.environment,
        command.cluster,
        command.namespace,
        command.name,
        command.subject,
        *command.value_files,
        command.place,
    )
    return tuple(word.replace(_ANY, "") for word in said if word.replace(_ANY, ""))


def installed(index: RepositoryIndex) -> Iterator[CommandChart]:
    """Charts that scripts install with values files that they name in full."""
    for command in commands(index):
        if command.program != "helm" or any(
            holds_any(word) for word in (command.subject, *command.value_files)
        ):
            continue
        files = tuple(f for name in command.value_files for f in meant(index, command, name))
        missing = len(files) < len(command.value_files)
        trouble = command.trouble or (say("manifests.values_file_not_here") if missing else "")
        for chart in meant(index, command, command.subject):
            if posixpath.join(chart, "Chart.yaml") in index.texts:
                yield CommandChart(
                    said_of(command), chart, command.name, command.namespace, files,
                    words_of(command), trouble, command.sets,
                )  # fmt: skip


def _checked(index: RepositoryIndex, command: InstallCommand) -> InstallCommand:
    """The command, in trouble where a chart may make something else of a text that a shell fills in."""
    if not command.texts or command.trouble:
        return command
    charts = [] if holds_any(command.subject) else meant(index, command, command.subject)
    if charts and all(_writes_down(index, chart, command.texts) for chart in charts):
        return command
    return replace(command, sets={}, trouble=say("manifests.command_line_sets_values"))


def _writes_down(index: RepositoryIndex, chart: str, keys: tuple[str, ...]) -> bool:
    own = index.texts.get(posixpath.join(chart, "Chart.yaml"), "dependencies:")
    if "dependencies:" in own or dependencies.folders(index, chart):
        return False
    made = (
        content if isinstance(content, str) else content.decode("utf-8", "replace")
        for path in index.below(posixpath.join(chart, "templates"))
        for content in [index.files[path]]
    )
    return set_options.are_written_down(made, keys)


def meant(index: RepositoryIndex, command: InstallCommand, written: str) -> list[str]:
    """The file or folder that a script means, counted from the root, from its own folder or the one above."""
    found = [path for folder in command.inside for path in _there(index, command, folder, written)]
    found += _there(index, command, "", written)
    if not found and written in ("", "."):
        return [""]
    return list(dict.fromkeys(found))


def _there(index: RepositoryIndex, command: InstallCommand, folder: str, written: str) -> list[str]:
    own = posixpath.dirname(command.place)
    for start in dict.fromkeys(("", own, posixpath.dirname(own))):
        path = posixpath.normpath(posixpath.join(start, folder, written))
        path = "" if path == "." else path
        if path in index.texts or path in index.folders():
            return [path]
    return []

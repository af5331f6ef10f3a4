"""helmfile's releases, for each of its environments. Pure.

Sources: helmfile's configuration and environments pages (1.x): the lists of values in their order, later ones win. What
templates say is filled in where that is exact. A chart's folder is one whatever its path begins with, since Helm takes a
folder before a repository of that name.
"""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from kfix.texts import say
from manifests.objects import paths
from manifests.objects.shapes import items, mapping, mappings, text
from manifests.refused import NotEditable
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers import commands, required_env
from manifests.repository.installers.helmfile_state import (
    HelmfileDocument,
    State,
    check_plain,
    dot,
    read_state,
    values_of,
)
from manifests.repository.installers.helmfile_templates import UNKNOWN, NotFilled, fill
from manifests.text import equivalence

_NAME = re.compile(
    r"(^|/)helmfile[^/]*\.ya?ml(\.gotmpl)?$|(^|/)helmfile\.d/[^/]+\.ya?ml(\.gotmpl)?$"
)
#: What helmfile can only read once it is filled in: YAML sees a mapping there, or nothing that it knows.
_UNQUOTED = re.compile(r"(?m)^[ \t]*(?:\{\{|-[ \t]+\{\{|(?:-[ \t]+)?[\w.-]+:[ \t]+\{\{)")
_OF_ENVIRONMENT = re.compile(r"\{\{-?\s*\.?Environment\.Name\s*-?\}\}")
#: What changes releases in ways that are not followed.
_UNKNOWN = ("defaultInherit", "inherits")
#: Options of helmfile's command line that set values, and those that set what templates are filled with.
_OPTIONS = re.compile(
    r"\bhelmfile\b[^\n;&|]*?\s(--(?:state-values-set-string|state-values-set|state-values-file|set|values|args))\b"
)
_STATE_OPTIONS = frozenset(
    {"--state-values-set-string", "--state-values-set", "--state-values-file"}
)
_LENIENT = ("Warn", "Info", "Debug")
#: Keys of a release that say nothing of what its chart makes, and those that are filled in by themselves.
_SHOWN = frozenset(
    {"labels", "version", "installed", "condition", "needs", "hooks", "kubeContext", "timeout"}
)
_FILLED = frozenset({"values", "name", "namespace", "chart"})
_RELEASE_UNKNOWN = (
    "set",
    "setTemplate",
    "setString",
    "secrets",
    "valuesTemplate",
    "valuesPathPrefix",
    "strategicMergePatches",
    "jsonPatches",
    "transformers",
    "dependencies",
    "postRenderer",
    "chartPrepare",
    "adopt",
)


class ReleaseValues(NamedTuple):
    """An entry of a release's list: a file, or values at ``at`` inside of the helmfile; ``text``: what helmfile makes of a
    template, whose values are ``inline``."""

    path: str
    inline: Mapping[str, Any] | None = None
    at: paths.Path = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseFilling:
    """helmfile's own values that templates of a release are filled with, and what other ones would make of its list."""

    state: State
    again: Callable[[Mapping[str, Any]], Sequence[ReleaseValues]] = field(compare=False)


#: The documents of a helmfile, filled in with other values; a release's list of values, filled in so.
_Again = Callable[..., Iterator[HelmfileDocument]]
_Refilled = Callable[[Mapping[str, Any]], list[Any]]
#: An environment's name, and whether defaults are below its values.
_Dotted = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class FileRelease:
    """A release of a helmfile in one environment. ``chart`` is a folder of the repository, or ``None``."""

    said_by: str
    place: str
    environment: str
    name: str
    namespace: str
    chart: str | None
    layers: tuple[ReleaseValues, ...]
    trouble: str = ""
    #: Which document of the helmfile says it.
    document: int = 0
    #: What the chart is called that is kept elsewhere; its release has no other trouble than that.
    kept: str = ""
    #: Values files called after the environment that are not there: it has none of its own yet.
    absent: frozenset[str] = frozenset()
    #: Files that it may read, where its settings cannot be followed.
    pattern: re.Pattern[str] | None = None
    #: Does the helmfile say that it is not installed?
    left_out: bool = False
    #: Files that are read to fill it in.
    reads: tuple[str, ...] = ()
    #: Set where some of its values are filled in.
    filling: ReleaseFilling | None = None


def releases(index: RepositoryIndex) -> Iterator[FileRelease]:
    """All releases of all helmfiles."""
    waiting = [path for path in index.files if "helmfile" in path and _NAME.search(path)]
    seen: dict[str, str] = {}
    given: set[str] = set()
    while waiting:
        path = waiting.pop(0)
        if path not in seen:
            content = index.files[path]
            seen[path] = content if isinstance(content, str) else content.decode("utf-8", "replace")
            for further, gets in _further(index, path, seen[path]):
                waiting.append(further)
                given |= {further} if gets else set()
    over = _on_command_lines(index) if seen else frozenset()
    for path, text_of in seen.items():
        for one in _of_file(index, path, text_of):
            why = ""
            if one.reads or one.filling:
                given_ = "helmfiles" if path in given else next(iter(sorted(over)), "")
                why = say("manifests.helmfile_not_followed", unknown=given_) if given_ else ""
            elif over - _STATE_OPTIONS:
                option = min(over - _STATE_OPTIONS)
                why = say("manifests.helmfile_not_followed", unknown=option)
            if why and not one.trouble:
                wide = _wide(text_of, posixpath.dirname(path))
                one = replace(one, trouble=why, pattern=wide)  # noqa: PLW2901
            yield one


def _on_command_lines(index: RepositoryIndex) -> frozenset[str]:
    """Options with which a script hands values to helmfile that no file says."""
    found: set[str] = set()
    for path, content in index.files.items():
        if commands.is_script(path):
            text_of = content if isinstance(content, str) else content.decode("utf-8", "replace")
            if "helmfile" in text_of:
                found |= set(_OPTIONS.findall(re.sub(r"\\\r?\n", " ", text_of)))
    return frozenset(found)


def _further(index: RepositoryIndex, path: str, content: str) -> list[tuple[str, bool]]:
    """The helmfiles that one takes in under ``helmfiles``: files, folders of files, patterns; what is filled in is anything.
    With each: does it get values of this one?"""
    try:
        documents = [equivalence.filled(d.root) for d in index.readings.read(content)]
    except NotEditable:
        return []
    found: list[tuple[str, bool]] = []
    for entry in (one for document in documents for one in items(document, "helmfiles")):
        named = text(entry, "path") if isinstance(entry, Mapping) else str(entry)
        named = re.sub(r"\{\{.*?\}\}", "*", named)
        gets = isinstance(entry, Mapping) and bool(set(entry) - {"path", "selectors"})
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(path), named))
        found += [
            (file, gets)
            for file in index.files
            if fnmatch.fnmatchcase(file, wanted) or fnmatch.fnmatchcase(file, f"{wanted}/*.y*ml")
        ]
    return found


def _of_file(index: RepositoryIndex, path: str, content: str) -> Iterator[FileRelease]:
    """The releases of a helmfile; where a variable tells its environments apart, of what each value makes of it."""
    texts = required_env.by_environment(path, content, index.files)
    made = {value: list(_of_text(index, path, text_of)) for value, text_of in texts.items()}
    if not made or any(one.environment != "default" for found in made.values() for one in found):
        yield from _of_text(index, path, content)
        return
    for value, found in made.items():
        yield from (_of_value(one, value) for one in found if not one.left_out)


def _of_value(release: FileRelease, value: str) -> FileRelease:
    """A release as one value of a variable makes it. What stands in the helmfile itself is every value's."""
    said = say(
        "manifests.helmfile_release", name=release.name, path=release.place, environment=value
    )
    layers = tuple(layer._replace(at=()) for layer in release.layers)
    return replace(release, said_by=said, environment=value, layers=layers)


def _of_text(index: RepositoryIndex, path: str, content: str) -> Iterator[FileRelease]:
    written = _documents(index, path, content)
    filling = written is None or (path.endswith(".gotmpl") and _fills_values(written))
    names = _environments(index, path, content, None if filling else written)
    if written is None and not names:
        yield _unreadable(path, content, say("manifests.template_unreadable"))
        return
    for environment in names or ["default"]:
        documents, again = written, None
        if filling:
            again = functools.partial(_filled_documents, index, path, content, environment)
            try:
                documents = list(again())
            except (NotFilled, NotEditable) as failure:
                if written is None:
                    why = say("manifests.helmfile_cannot_fill", what=_short(failure))
                    yield _unreadable(path, content, why, environment)
                    continue
        assert documents is not None
        yield from _in_environment(index, path, documents, (environment, again))


def _short(failure: Exception) -> str:
    said = failure.reason if isinstance(failure, NotEditable) else str(failure)
    return said[:60]


def _documents(index: RepositoryIndex, path: str, content: str) -> list[HelmfileDocument] | None:
    """The helmfile as it is written; ``None`` where that is no YAML before it is filled in."""
    if _UNQUOTED.search(content):
        return None
    try:
        read = [equivalence.filled(one.root) for one in index.readings.read(content)]
    except NotEditable:
        return None
    return [
        HelmfileDocument(path, n, one) for n, one in enumerate(read) if isinstance(one, Mapping)
    ]


def _fills_values(documents: Sequence[HelmfileDocument]) -> bool:
    """Does a template stand in values that are written inside of it?"""
    return any(
        "{{" in str(value)
        for said in documents
        for entry in (
            *mappings(said.content, "releases"),
            *mapping(said.content, "environments").values(),
        )
        for value in items(entry, "values")
        if isinstance(value, Mapping)
    )


def _environments(
    index: RepositoryIndex, path: str, content: str, written: Sequence[HelmfileDocument] | None
) -> list[str]:
    """The names of the environments, of bases too; empty where there are none. A default one where nothing can be read
    but that there are releases."""
    found: dict[str, None] = {}
    documents: list[HelmfileDocument] = list(written or ())
    if written is None:
        with contextlib.suppress(NotFilled, NotEditable):
            for one in _filled_documents(index, path, content, "default"):
                documents.append(one)
        if not documents:
            return []
    for said in _with_bases(index, path, documents)[0]:
        found |= dict.fromkeys(map(str, mapping(said.content, "environments")))
    return list(found) or ["default"]


def _filled_documents(
    index: RepositoryIndex,
    path: str,
    content: str,
    environment: str,
    instead: Mapping[str, Any] | None = None,
) -> Iterator[HelmfileDocument]:
    """The helmfile's parts, each filled in with the values that those before it say; ``instead``: others, where those say
    any. Raises NotFilled, NotEditable."""
    before: list[HelmfileDocument] = []
    for part in re.split(r"\r?\n---[ \t]*\r?\n", content):
        state = read_state(
            index,
            posixpath.dirname(path),
            _with_bases(index, path, before)[0],
            environment,
        )
        values = instead if instead is not None and state.values else state.values
        text_of = fill(part, dot(environment, values, mixed=state.mixed), partly=True)
        for one in index.readings.look(text_of):
            check_plain(one.root)
            content_of = equivalence.filled(one.root)
            if isinstance(content_of, Mapping):
                before.append(HelmfileDocument(path, 0, content_of, whole=False))
                yield before[-1]


def _with_bases(
    index: RepositoryIndex, path: str, documents: Sequence[HelmfileDocument]
) -> tuple[list[HelmfileDocument], str]:
    """The documents after those of the bases that they name, and the base that cannot be read; empty where all can."""
    out: list[HelmfileDocument] = []
    unread = ""
    for said in documents:
        for named in items(said.content, "bases"):
            base = posixpath.normpath(posixpath.join(posixpath.dirname(path), str(named)))
            content = index.files.get(base, "{{ }}")
            text_of = content if isinstance(content, str) else content.decode("utf-8", "replace")
            read = _documents(index, base, text_of)
            if read is None or not _is_plain_base(read):
                unread = unread or f"bases ({named})"
            out += read or ()
        out.append(said)
    return out, unread


def _is_plain_base(read: Sequence[HelmfileDocument]) -> bool:
    """Is it a base that says its environments once, without templates in values or bases of its own?"""
    saying = [one for one in read if one.content.get("environments")]
    based = any(one.content.get("bases") for one in read)
    return len(saying) <= 1 and not based and not _fills_values(read)


def _in_environment(
    index: RepositoryIndex,
    path: str,
    own: Sequence[HelmfileDocument],
    where: tuple[str, _Again | None],
) -> Iterator[FileRelease]:
    environment, again = where
    documents, unread = _with_bases(index, path, own)
    whole = {k: v for said in documents for k, v in said.content.items()}
    state = read_state(index, posixpath.dirname(path), documents, environment)
    unknown = unread or next((key for key in _UNKNOWN if whole.get(key)), "")
    trouble = say("manifests.helmfile_not_followed", unknown=unknown) if unknown else ""
    lenient = str(whole.get("missingFileHandler", "Error")) in _LENIENT
    templates = mapping(whole, "templates")
    settings = _settings(documents)
    bases = tuple(dict.fromkeys(said.path for said in documents if said.path != path))
    listed = (
        (said, at, entry)
        for said in documents
        for at, entry in enumerate(mappings(said.content, "releases"))
    )
    for said, at, entry in listed:
        given, why = _with_templates(entry, templates)
        refilled = _refilled(again, own.index(said), at) if again and said in own else None
        one = _release(path, (said, at), given, (environment, state, refilled), index)
        if one.left_out:
            continue
        if lenient or str(given[1].get("missingFileHandler", "")) in _LENIENT:
            one = _without_missing(one, index)
        if one.pattern is not None:
            one = replace(one, pattern=_wide(f"{entry} {settings}", posixpath.dirname(path)))
        reads = (*bases, *one.reads)
        yield replace(one, document=said.number, reads=reads, trouble=one.trouble or why or trouble)


def _settings(documents: Sequence[HelmfileDocument]) -> str:
    """What is written of helmfile's own values."""
    keys = ("environments", "values")
    return " ".join(str(said.content.get(key)) for said in documents for key in keys)


def _with_templates(
    entry: Mapping[str, Any], templates: Mapping[str, Any]
) -> tuple[tuple[Mapping[str, Any], Mapping[str, Any]], str]:
    """What templates give a release and what it says itself, and why that is not known."""
    try:
        return _inherited(entry, templates), ""
    except NotFilled as failure:
        return ({}, entry), say("manifests.helmfile_not_followed", unknown=str(failure))


def _refilled(again: _Again, number: int, at: int) -> _Refilled:
    """A release's own list of values as helmfile fills it in with other values. Raises NotFilled, NotEditable."""

    def values_of_release(values: Mapping[str, Any]) -> list[Any]:
        documents = list(again(values))
        if number >= len(documents) or at >= len(mappings(documents[number].content, "releases")):
            raise NotFilled("releases")
        return list(items(mappings(documents[number].content, "releases")[at], "values"))

    return values_of_release


def _inherited(
    entry: Mapping[str, Any], templates: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(what its templates give a release, the release itself): lists are added up. Raises NotFilled where both say a
    value, or a template is taken in part."""
    out: dict[str, Any] = {}
    for one in items(entry, "inherit"):
        name = text(one, "template")
        below = templates.get(name)
        if not isinstance(below, Mapping) or below.get("inherit") or set(one) - {"template"}:
            raise NotFilled(f"inherit {name}")
        for key, value in below.items():
            if isinstance(value, list) and isinstance(out.get(key, []), list):
                out[key] = [*out.get(key, []), *value]
            elif out.get(key, value) != value:
                raise NotFilled(f"inherit {name}")
            else:
                out[key] = value
    mine = {key: value for key, value in entry.items() if key != "inherit"}
    both = [
        k
        for k in out.keys() & mine.keys()
        if not isinstance(out[k], list | Mapping) and out[k] != mine[k]
    ]
    if both:
        raise NotFilled(f"inherit: {sorted(both)[0]}")
    return out, mine


def _without_missing(one: FileRelease, index: RepositoryIndex) -> FileRelease:
    """The release without values files that are not there."""
    missing = {r.path for r in one.layers if r.inline is None and r.path not in index.texts}
    missing -= one.absent
    return replace(one, layers=tuple(layer for layer in one.layers if layer[0] not in missing))


def _release(
    path: str,
    place: tuple[HelmfileDocument, int],
    entry: tuple[Mapping[str, Any], Mapping[str, Any]],
    where: tuple[str, State, _Refilled | None],
    index: RepositoryIndex,
) -> FileRelease:
    """``place``: its document and its position there; ``entry``: what templates give it and what it says itself."""
    (said, at), (environment, state, refilled), (inherited, mine) = place, where, entry
    folder = posixpath.dirname(path)
    whole = {**inherited, **mine}
    dotted = environment, state.mixed
    fields = _fields(whole, dotted, state.values)
    listed: list[tuple[Any, paths.Path]] = [(v, ()) for v in items(inherited, "values")]
    listed += [
        (value, ("releases", at, "values", n) if said.whole else ())
        for n, value in enumerate(items(mine, "values"))
    ]

    def made(values: Mapping[str, Any] | None, *, anew: bool = False) -> Iterator[ReleaseValues]:
        data = _data(_fields(whole, dotted, values), dotted, values)
        given = listed
        if anew and refilled is not None and values is not None:
            inherits = len(items(inherited, "values"))
            given = [*listed[:inherits], *((value, ()) for value in refilled(values))]
        for value, stands in given:
            yield _entry(index, path, value, stands, data)

    trouble: str = next(
        (say("manifests.not_followed", key=key) for key in _RELEASE_UNKNOWN if whole.get(key)), ""
    )
    layers: tuple[ReleaseValues, ...] = ()
    wide = str(whole)
    try:
        _check(whole, fields)
        layers = tuple(made(state.values))
    except (NotFilled, NotEditable) as failure:
        trouble = trouble or _why(state, failure)
    chart = _chart_at(index, posixpath.normpath(posixpath.join(folder, fields["chart"])), fields)
    filling = ReleaseFilling(state, lambda values: tuple(made(values, anew=True)))
    elsewhere = say("manifests.named_chart_kept_elsewhere", chart=fields["chart"][:80])
    return FileRelease(
        say("manifests.helmfile_release", name=fields["name"], path=path, environment=environment),
        path,
        environment,
        fields["name"],
        fields["namespace"],
        chart,
        layers,
        trouble or ("" if chart is not None else elsewhere),
        kept="" if chart is not None or trouble else posixpath.basename(fields["chart"]),
        absent=_absent(index, layers, [value for value, _ in listed]),
        pattern=_wide(wide, folder) if trouble else None,
        left_out=_is_left_out(whole, fields, dotted, state.values),
        reads=state.reads if _uses_state(wide, layers, said) else (),
        filling=filling if state.values is not None and any(r.text for r in layers) else None,
    )


def _why(state: State, failure: Exception) -> str:
    if state.values is None and state.trouble:
        return say("manifests.helmfile_not_followed", unknown=f"environments ({state.trouble})")
    return say("manifests.helmfile_cannot_fill", what=_short(failure))


def _chart_at(index: RepositoryIndex, folder: str, fields: Mapping[str, str]) -> str | None:
    """The chart's folder; ``None`` where it is not here."""
    folder = "" if folder == "." else folder
    here = bool(fields["chart"]) and posixpath.join(folder, "Chart.yaml") in index.texts
    return folder if here else None


def _absent(
    index: RepositoryIndex, layers: Sequence[ReleaseValues], written: Sequence[Any]
) -> frozenset[str]:
    """Values files called after the environment that are not there."""
    return frozenset(
        layer.path
        for layer, value in zip(layers, written, strict=False)
        if layer.inline is None
        and _OF_ENVIRONMENT.search(str(value))
        and layer.path not in index.files
    )


def _uses_state(written: str, layers: Sequence[ReleaseValues], said: HelmfileDocument) -> bool:
    """May helmfile's own values reach the release?"""
    return (
        not said.whole
        or "{{" in written
        or any(layer.text for layer in layers)
        or "condition" in written
    )


def _fields(
    whole: Mapping[str, Any], dotted: _Dotted, values: Mapping[str, Any] | None
) -> dict[str, str]:
    """The name, namespace and chart, each filled in as far as it can be."""
    out = {key: text(whole, key) for key in ("name", "namespace", "chart")}
    for key, written in tuple(out.items()):
        with contextlib.suppress(NotFilled):
            out[key] = fill(written, _data(out, dotted, values)).strip()
    return out


def _data(
    fields: Mapping[str, str], dotted: _Dotted, values: Mapping[str, Any] | None
) -> dict[str, Any]:
    release = {"Name": fields["name"], "Namespace": fields["namespace"], "Chart": fields["chart"]}
    environment, mixed = dotted
    found = dot(environment, values, mixed=mixed)
    return found | {
        "Release": {key: value for key, value in release.items() if not _is_open(value)}
    }


def _check(whole: Mapping[str, Any], fields: Mapping[str, str]) -> None:
    """Raises NotFilled where anything that says what is installed is not known."""
    for key, value in fields.items():
        if _is_open(value):
            raise NotFilled(key)
    for key, value in whole.items():
        if (
            _is_open(str(value))
            and key not in _SHOWN
            and (key not in _FILLED or UNKNOWN in str(value))
        ):
            raise NotFilled(str(key))


def _is_open(word: str) -> bool:
    return "{{" in word or UNKNOWN in word


def _entry(
    index: RepositoryIndex, path: str, value: Any, place: paths.Path, data: Mapping[str, Any]
) -> ReleaseValues:
    """One entry of a release's values. Raises NotFilled, NotEditable."""
    if isinstance(value, Mapping):
        if _is_open(str(value)):
            raise NotFilled(next(iter(map(str, value)), "values"))
        # What helmfile filled in before it read the file has no place of its own.
        return ReleaseValues(path, value, place, "" if place else _dumped(value))
    file = posixpath.normpath(posixpath.join(posixpath.dirname(path), fill(str(value), data)))
    if not file.endswith(".gotmpl") or file not in index.files:
        return ReleaseValues(file)
    content = index.files[file]
    written = content if isinstance(content, str) else content.decode("utf-8", "replace")
    made = fill(written, data, defaulted=True)
    return ReleaseValues(file, values_of(index, made), (), made)


def _dumped(value: Mapping[str, Any]) -> str:
    return fill("{{ toYaml .Values }}", {"Values": dict(value)}) + "\n"


def _is_left_out(
    whole: Mapping[str, Any],
    fields: Mapping[str, str],
    dotted: _Dotted,
    values: Mapping[str, Any] | None,
) -> bool:
    """Does helmfile surely not install it in the environment?"""
    said = whole.get("installed")
    if isinstance(said, str):
        with contextlib.suppress(NotFilled):
            said = fill(said, _data(fields, dotted, values)).strip() != "false"
    condition = whole.get("condition")
    if isinstance(condition, str) and values is not None:
        found = paths.find(values, tuple(condition.split(".")), None)
        return said is False or found is False
    return said is False


def _unreadable(path: str, content: str, why: str, environment: str = "") -> FileRelease:
    folder = posixpath.dirname(path)
    return FileRelease(
        f"helmfile {path}", path, environment, "", "", None, (), why, pattern=_wide(content, folder)
    )


def _wide(content: str, folder: str) -> re.Pattern[str]:
    """Every path that a text may mean: words that look like one, with anything where a template stands."""
    content = re.sub(r"\{\{.*?\}\}", "\x00", content).replace(UNKNOWN, "\x00")
    words = set(
        re.findall(r"[\w.\x00-]*(?:/[\w.\x00-]+)+|[\w\x00-]+(?:\.[\w\x00-]+)*\.ya?ml", content)
    )
    shapes = []
    for word in words:
        joined = posixpath.normpath(posixpath.join(folder, word))
        shapes.append(
            re.escape(joined).replace("\x00", "[^/]*").replace("\\\x00", "[^/]*") + "(/.*)?"
        )
    return re.compile("|".join(shapes) or r"(?!)")

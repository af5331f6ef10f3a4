"""kustomize and helm as programs: no shell, no environment, no network, bounded time and size, in a copy of the files.

    renderer = installed(load(Rendering))
    with renderer.open(snapshot.files) as bench:
        text = bench.render(KustomizeBuild("overlays/production"))

Nothing a repository says is executed: kustomize's plugins, functions and helm inflation stay off, and files are plain
files. What a Kustomization wants from elsewhere is refused before kustomize could fetch it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import posixpath
import re
import resource
import select
import shutil
import subprocess
import sysconfig
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kfix.infra.settings import Settings
from kfix.texts import say
from manifests.refused import NotEditable
from manifests.render import locality, plain_kustomize
from manifests.repository import dependencies, tree
from manifests.repository.rendering import (
    CACHED,
    Files,
    GaveUp,
    HelmTemplate,
    KustomizeBuild,
    NotRendered,
    Recipe,
    RenderSession,
)
from manifests.text.readings import Readings

_NOWHERE = "http://127.0.0.1:9"  # the discard port: whatever tries a proxy, fails at once
_RELEASE = 53  # helm's own bound of a release name
#: What helm and Kubernetes take for a name; above all nothing that a program could take for an option.
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
#: Files of the cache of charts.
_PACKED = re.compile(r"[A-Za-z0-9][-A-Za-z0-9_.+]{0,200}\.tgz")
_CHART_BYTES = 16 * 1024 * 1024


class Rendering(Settings):
    """Where the renderers are and how much they may use. ``KFIX_RENDER_*``."""

    model_config = SettingsConfigDict(env_prefix="KFIX_RENDER_")

    #: Path of kustomize, or of a kubectl, which builds the same; empty: the one on PATH or of the extra ``render``.
    #: ``none``: the built-in subset, which knows plain overlays.
    kustomize: str = ""
    #: Path of helm; empty: the one on PATH. ``none``: charts are not rendered, and so their values are not edited.
    helm: str = ""
    #: Folder of packed charts of registries, ``<name>-<version>.tgz`` as in helm's own repository cache; empty: none. Charts
    #: that are asked for in just that version are rendered with it.
    charts: str = ""
    #: Seconds of one rendering. A chart with 500 templates takes about one.
    timeout_s: float = Field(default=10.0, gt=0)
    #: Seconds of all renderings for one plan: less than safety waits for it (``KFIX_SAFETY_DEADLINE_S``).
    plan_s: float = Field(default=25.0, gt=0)
    #: MiB of one rendering's output, of which a person would read a hundredth.
    output_mib: int = Field(default=16, ge=1)
    #: MiB of the files that are copied to render in.
    files_mib: int = Field(default=256, ge=1)


_Key = tuple[bytes, Recipe]


class RenderingCache:
    """Renderings that were made before, by the contents of the files that each reads: a commit elsewhere costs nothing."""

    def __init__(self, most_bytes: int = 64 * 1024 * 1024) -> None:
        self._most = most_bytes
        self._size = 0
        self._texts: OrderedDict[_Key, str] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: _Key) -> str | None:
        """The rendering; ``None`` where there is none."""
        with self._lock:
            if key in self._texts:
                self._texts.move_to_end(key)
            return self._texts.get(key)

    def put(self, key: _Key, text: str) -> None:
        """Keeps a rendering; those not asked for longest go."""
        with self._lock:
            self._size += len(text) - len(self._texts.pop(key, ""))
            self._texts[key] = text
            while self._size > self._most and len(self._texts) > 1:
                self._size -= len(self._texts.popitem(last=False)[1])


@dataclass(frozen=True, slots=True)
class Programs:
    """``manifests.repository.rendering.Renderer`` with what is installed; the built-in subset stands in for kustomize."""

    kustomize: str
    helm: str
    #: Folder of packed charts of registries; empty: none.
    charts: str = ""
    timeout_s: float = 10.0
    plan_s: float = 25.0
    output_bytes: int = 16 * 1024 * 1024
    files_bytes: int = 256 * 1024 * 1024
    #: Programs that were looked for and are not here.
    missing: tuple[str, ...] = ()
    known: RenderingCache = field(default_factory=RenderingCache, compare=False, repr=False)

    def lacking(self) -> list[str]:
        """What is not done for want of a program and how to get it, a sentence each; empty when all are here."""
        return [say(f"manifests.renderer_missing_{name}") for name in self.missing]

    @contextmanager
    def open(self, files: Files, readings: Readings | None = None) -> Iterator[RenderSession]:
        """A copy of the files in a temporary folder that only this user reads, made when a program needs it and gone
        afterwards."""
        with contextlib.ExitStack() as stack:

            def folder() -> Path:
                made = stack.enter_context(tempfile.TemporaryDirectory(prefix="kfix-render-"))
                return Path(made).resolve()

            yield _Bench(self, folder, files, readings or Readings())


def installed(settings: Rendering, beside: Iterable[Path] = ()) -> Programs:
    """The renderers of this machine, as the settings say; those that PATH has not are looked for in ``beside`` and among
    the scripts of the running Python, where the extra ``render`` puts one."""
    places = (os.environ.get("PATH", os.defpath), *map(str, beside), sysconfig.get_path("scripts"))
    path = os.pathsep.join(places)
    kustomize = _found(settings.kustomize, ("kustomize", "kubectl"), path)
    helm = _found(settings.helm, ("helm",), path)
    looked_for = (("kustomize", settings.kustomize, kustomize), ("helm", settings.helm, helm))
    return Programs(
        kustomize=kustomize,
        helm=helm,
        charts=settings.charts,
        missing=tuple(name for name, said, there in looked_for if said != "none" and not there),
        timeout_s=settings.timeout_s,
        plan_s=settings.plan_s,
        output_bytes=settings.output_mib * 1024 * 1024,
        files_bytes=settings.files_mib * 1024 * 1024,
    )


def _found(setting: str, names: Sequence[str], path: str) -> str:
    if setting == "none":
        return ""
    found = (shutil.which(name, path=path) for name in ([setting] if setting else names))
    return next((program for program in found if program), "")


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What a rendering may read: whole folders, files beside them, and files that are made for it (``brought``)."""

    folders: tuple[str, ...]
    files: tuple[str, ...] = ()
    brought: Files = field(default_factory=dict)


class _Bench:
    """The copy is made when the first program needs it; a rendering's changed files are put back after it."""

    def __init__(
        self, programs: Programs, folder: Callable[[], Path], files: Files, readings: Readings
    ) -> None:
        self._readings = readings
        self._programs = programs
        self._made = folder
        self._files = files
        self._lock = threading.Lock()
        self._copied: set[str] = set()
        self._until = time.monotonic() + programs.plan_s
        self._listing: tree.PathsByFolder | None = None
        self._digests: dict[str, bytes] = {}
        self._charts: dict[str, bytes | None] = {}

    def render(self, recipe: Recipe, changed: Mapping[str, str] | None = None) -> str:
        changed = changed or {}
        with self._lock:
            files = {**self._files, **changed} if changed else self._files
            inputs = self._inputs(recipe, files)
            read = self._read(inputs, changed)
            key = self._digest(read, {**changed, **inputs.brought}), recipe
            known = self._programs.known.get(key)
            if known is None:
                known = self._rendered(recipe, files, read, {**changed, **inputs.brought})
                self._programs.known.put(key, known)
            return known

    def _inputs(self, recipe: Recipe, files: Files) -> _Inputs:
        """What the rendering may read. Raises NotRendered where it may read something else."""
        if isinstance(recipe, KustomizeBuild):
            locality.check(files, recipe.folder, self._readings)
            return _Inputs(tuple(locality.folders(files, recipe.folder, self._readings)))
        if not self._programs.helm:
            raise NotRendered("helm is not installed here")
        layers = tuple(layer for layer in recipe.layers if "\n" not in layer)
        if recipe.chart.startswith(f"{CACHED}/"):
            return _Inputs((), layers, {recipe.chart: self._packed(recipe.chart)})
        brought = dependencies.brought(files, recipe.chart, self._readings, recipe.without)
        for path in recipe.packed:
            inside = posixpath.join(recipe.chart, "charts", posixpath.basename(path))
            brought[inside] = self._packed(path)
        return _Inputs((recipe.chart,), layers, brought)

    def cached(self, name: str) -> bytes | None:
        if not self._programs.charts or not _PACKED.fullmatch(name):
            return None
        if name not in self._charts:
            self._charts[name] = _bounded(Path(self._programs.charts) / name)
        return self._charts[name]

    def _packed(self, path: str) -> bytes:
        content = self.cached(posixpath.basename(path))
        if content is None:
            raise NotRendered(f"the cache of charts has no {posixpath.basename(path)[:200]}")
        return content

    def _read(self, inputs: _Inputs, changed: Mapping[str, str]) -> list[str]:
        """The paths of the inputs, in their order of names."""
        if self._listing is None:
            self._listing = tree.PathsByFolder(self._files)
        starts = tuple(f"{folder}/" if folder else "" for folder in inputs.folders)
        found = {path for folder in inputs.folders for path in self._listing.below(folder)}
        found |= {path for path in inputs.files if path in self._files}
        found |= {path for path in changed if path.startswith(starts) or path in inputs.files}
        return sorted(found | inputs.brought.keys())

    def _digest(self, read: Iterable[str], instead: Files) -> bytes:
        digest = hashlib.sha256()
        for path in read:
            known = None if path in instead else self._digests.get(path)
            if known is None:
                content = instead[path] if path in instead else self._files[path]
                known = hashlib.sha256(_bytes(content)).digest()
                if path not in instead:
                    self._digests[path] = known
            digest.update(f"{len(path)} {path}".encode() + known)
        return digest.digest()

    def _rendered(self, recipe: Recipe, files: Files, read: Iterable[str], instead: Files) -> str:
        if isinstance(recipe, HelmTemplate):
            self._copy(read)
            return self._in_copy(self._helm(recipe), instead)
        if not self._programs.kustomize:
            return plain_kustomize.build(files, recipe.folder, self._readings)
        self._copy(read)
        return self._in_copy(self._kustomize(recipe), instead)

    def _kustomize(self, recipe: KustomizeBuild) -> list[str]:
        program, folder = self._programs.kustomize, str(self._repo / recipe.folder)
        build = "kustomize" if Path(program).stem == "kubectl" else "build"
        inflating = ["--enable-helm", "--helm-command", self._programs.helm]
        return [program, build, folder, *(inflating if self._programs.helm else ())]

    def _helm(self, recipe: HelmTemplate) -> list[str]:
        chart = self._inside(recipe.chart) if recipe.chart else self._repo
        for word in (recipe.release, recipe.namespace or "default"):
            if not _NAME.fullmatch(word):
                raise NotRendered(f"not a name of a release or namespace: {word[:80]!r}")
        name = recipe.release[:_RELEASE].rstrip("-.")
        command = [self._programs.helm, "template", name, str(chart), "--no-hooks", "--skip-tests"]
        if recipe.namespace:
            command += ["--namespace", recipe.namespace]
        for number, layer in enumerate(recipe.layers):
            file = (
                self._inside(layer) if "\n" not in layer else self._folder / f"layer-{number}.yaml"
            )
            if "\n" in layer:
                file.write_text(layer, "utf-8")
            command += ["--values", str(file)]
        return command

    @cached_property
    def _folder(self) -> Path:
        return self._made()

    @property
    def _repo(self) -> Path:
        return self._folder / "repository"

    def _inside(self, path: str) -> Path:
        try:
            tree.check_path(path)
        except NotEditable as refused:
            raise NotRendered(refused.reason) from None
        return self._repo / path

    def _in_copy(self, command: list[str], changed: Mapping[str, bytes | str]) -> str:
        if time.monotonic() > self._until:
            raise GaveUp(
                f"the renderings for one plan took longer than {self._programs.plan_s:g} s"
            )
        try:
            try:
                for path, content in changed.items():
                    self._write(path, _bytes(content))
                return _run(command, self._folder, self._programs)
            finally:
                self._put_back(changed)
        except OSError as failure:
            program = Path(command[0]).name
            raise NotRendered(f"{program} cannot run: {failure.strerror}") from None

    def _put_back(self, changed: Mapping[str, bytes | str]) -> None:
        for path in changed:
            if path in self._copied:
                self._write(path, _bytes(self._files[path]))
            else:
                self._inside(path).unlink(missing_ok=True)

    def _copy(self, paths: Iterable[str]) -> None:
        """Brings what a rendering reads."""
        if not self._copied:
            if sum(len(content) for content in self._files.values()) > self._programs.files_bytes:
                raise NotRendered("the repository is too large to render")
            try:
                for name in ("repository", "home"):
                    (self._folder / name).mkdir(exist_ok=True)
            except OSError as failure:
                raise NotRendered(f"no place to render in: {failure.strerror}") from None
        for path in paths:
            if path in self._files and path not in self._copied:
                with contextlib.suppress(NotRendered, OSError):  # an unsafe name stays out
                    self._write(path, _bytes(self._files[path]))
                self._copied.add(path)

    def _write(self, path: str, content: bytes) -> None:
        file = self._inside(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def _bounded(file: Path) -> bytes | None:
    """The file's content; ``None`` where it is not there, or larger than a chart may be."""
    try:
        with file.open("rb") as opened_file:
            content = opened_file.read(_CHART_BYTES + 1)
    except OSError:
        return None
    return content if len(content) <= _CHART_BYTES else None


def _bytes(content: bytes | str) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _run(command: list[str], folder: Path, programs: Programs) -> str:
    """The program's output. Raises NotRendered when it fails, takes too long or says too much."""
    home = str(folder / "home")
    environment = {"HOME": home, "PATH": "", "TMPDIR": home, "GOMAXPROCS": "2", "LC_ALL": "C.UTF-8"}
    environment |= dict.fromkeys(
        ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), _NOWHERE
    )
    with (
        tempfile.TemporaryFile(dir=folder) as output,
        tempfile.TemporaryFile(dir=folder) as complaint,
    ):
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=complaint,
            env=environment,
            cwd=home,
        )
        _bound(child.pid, programs)
        try:
            code = _ended(child, programs.timeout_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise NotRendered(
                f"{Path(command[0]).name} took longer than {programs.timeout_s:g} s"
            ) from None
        if code:
            raise NotRendered(f"{Path(command[0]).name}: {_last_words(complaint.fileno(), folder)}")
        size = os.fstat(output.fileno()).st_size
        if size >= programs.output_bytes:
            raise NotRendered(f"the rendering is larger than {programs.output_bytes} bytes")
        return os.pread(output.fileno(), size, 0).decode("utf-8", "replace")


def _ended(child: subprocess.Popen[bytes], timeout_s: float) -> int:
    """The exit code, as soon as there is one: ``wait`` alone looks for it every now and then. Raises TimeoutExpired."""
    with contextlib.suppress(AttributeError, OSError):  # not Linux, or no descriptor left
        descriptor = os.pidfd_open(child.pid)
        try:
            select.select([descriptor], [], [], timeout_s)
        finally:
            os.close(descriptor)
        timeout_s = 0.05 if child.poll() is None else timeout_s
    return child.wait(timeout_s)


def _bound(pid: int, programs: Programs) -> None:
    """CPU seconds and bytes of a written file. A file that grows beyond it ends the program with SIGXFSZ."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        seconds = int(programs.timeout_s * 2) + 1
        resource.prlimit(pid, resource.RLIMIT_CPU, (seconds, seconds))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (programs.output_bytes, programs.output_bytes))


def _last_words(descriptor: int, folder: Path) -> str:
    text = os.pread(descriptor, 4096, 0).decode("utf-8", "replace")
    lines = [
        line
        for line in text.replace(f"{folder / 'repository'}/", "")
        .replace(f"{folder / 'repository'}", ".")
        .splitlines()
        if line.strip()
    ]
    said = [line for line in lines if line.startswith("Error")] or lines[-1:] or ["no reason given"]
    return said[0].strip()[:300]

"""Says of an edit whether it is right, by rendering everything that the repository deploys before and after it."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml

from tools.repositories.model import Files, Made, Target, leaves

Verdict = Literal["right", "refused rightly", "only on top", "refused though safe", "WRONG"]
_SEGMENT = re.compile(r"\[name=([^\]]+)\]|([^.\[\]]+)")


class Broken(Exception):
    """A repository that a program does not render."""


class Real:
    """kustomize and helm as a deployer runs them. Renderings of the same files are made once."""

    def __init__(self, kustomize: str, helm: str) -> None:
        self._programs = {"kustomize": kustomize, "helm": helm}
        self._known: dict[tuple[Any, ...], str] = {}

    def forget(self) -> None:
        """What was rendered of the last repository."""
        self._known.clear()

    def build(self, files: Files, folder: str, on_top: Mapping[str, Any] | None = None) -> str:
        """``kustomize build``, with a deployer's settings laid over it."""
        if on_top:
            top = yaml.safe_dump({"resources": [f"../{folder}"], **on_top})
            files, folder = {**files, "on-top/kustomization.yaml": top}, "on-top"
        return self._run("kustomize", files, ["build", folder, "--enable-helm", "--helm-command"])

    def template(
        self, files: Files, chart: str, release: str, namespace: str, values: Sequence[str]
    ) -> str:
        """``helm template`` with texts of values, later ones win."""
        given = {f"values-of-the-release/{n}.yaml": text for n, text in enumerate(values)}
        words = ["template", release, chart, "--namespace", namespace]
        for name in given:
            words += ["--values", name]
        return self._run("helm", {**files, **given}, words)

    def _run(self, program: str, files: Files, words: list[str]) -> str:
        key = (program, *words, *sorted(files.items()))
        if key not in self._known:
            self._known[key] = self._rendered(program, files, words)
        return self._known[key]

    def _rendered(self, program: str, files: Files, words: list[str]) -> str:
        with tempfile.TemporaryDirectory() as folder:
            for path, text in files.items():
                file = Path(folder, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            if words[-1] == "--helm-command":
                words = [*words, self._programs["helm"]]
            done = subprocess.run(
                [self._programs[program], *words],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
        if done.returncode:
            raise Broken(done.stderr.strip()[-400:])
        return done.stdout


def _seen(target: Target, files: Files, real: Real) -> dict[tuple[str, ...], Any]:
    text = target.render(real, files)
    for name in target.hashed:
        text = re.sub(rf"\b{re.escape(name)}-[a-z0-9]{{10}}\b", name, text)
    return dict(leaves(text))


def wrong(made: Made, after: Files, real: Real) -> str:
    """What an edit does that was not asked for; empty when it is right."""
    kind, _, name = made.target.object.split("/")
    wanted = tuple(a or b for a, b in _SEGMENT.findall(made.asked.path))
    reached = 0
    for target in made.targets:
        old = _seen(target, made.files, real)
        try:
            new = _seen(target, after, real)
        except (Broken, KeyError, TypeError, yaml.YAMLError) as failure:
            return f"{target.env} is rendered no more: {failure}"
        changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
        if target.env != made.env and changed:
            return f"{target.env} changes too: {sorted(changed)[:3]}"
        for key in changed:
            if key[:2] != (kind, name) or key[3:] != wanted:
                return f"{target.env} changes otherwise: {key}"
            if str(new.get(key)) != str(made.asked.value):
                return f"{target.env} becomes {new.get(key)}"
            reached += 1
    return "" if reached == 1 else f"the field changes {reached} times"


def known_fix(made: Made, real: Real) -> tuple[bool, Mapping[str, str]] | None:
    """(on top?, changed files) of the first edit that its maker knows and that is right; ``None`` where none is."""
    for on_top in (False, True):
        for fix in made.target.fixes:
            if fix.on_top != on_top:
                continue
            change = fix.change(made.files, made.asked)
            if change and not wrong(made, {**made.files, **change}, real):
                return on_top, change
    return None


def judged(made: Made, after: Files | None, real: Real) -> tuple[Verdict, str]:
    """The verdict of an edit, ``None`` where it was refused; with what is wrong, or the files that a fix would change."""
    if after is not None:
        why = wrong(made, after, real)
        return ("WRONG", why) if why else ("right", "")
    fix = known_fix(made, real)
    if fix is None:
        return "refused rightly", ""
    return ("only on top" if fix[0] else "refused though safe"), ", ".join(fix[1])

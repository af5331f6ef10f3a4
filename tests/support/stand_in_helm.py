"""`helm template` for small charts, where no program is: values in layers, and the words that the sample's templates use.

Sources: helm.sh/docs/chart_template_guide (values files, functions and pipelines, flow control, named templates). The
contract tests of Helm run on this and on the real one.
"""

from __future__ import annotations

import json
import posixpath
import random
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import yaml

from manifests.helm.layers import Layer, merged
from manifests.render.plain_kustomize import BuiltIn
from manifests.repository import dependencies
from manifests.repository.rendering import Files, HelmTemplate, NotRendered, Recipe, RenderSession
from manifests.text.readings import Readings

_WORDS = re.compile(r"\"[^\"]*\"|\S+")


class StandIn:
    """A ``Renderer`` without any program."""

    @contextmanager
    def open(self, files: Files, readings: Readings | None = None) -> Iterator[RenderSession]:
        with BuiltIn().open(files, readings) as plain:
            yield _Bench(files, plain)


class _Bench:
    def __init__(self, files: Files, plain: RenderSession) -> None:
        self._files = {path: _text(content) for path, content in files.items()}
        self._plain = plain

    def cached(self, name: str) -> bytes | None:
        return None

    def render(self, recipe: Recipe, changed: Mapping[str, str] | None = None) -> str:
        if not isinstance(recipe, HelmTemplate):
            return self._plain.render(recipe, changed)
        files = self._files | dict(changed or {})
        files |= {
            path: _text(content)
            for path, content in dependencies.brought(
                files, recipe.chart, Readings(), recipe.without
            ).items()
        }
        layers = []
        for layer in recipe.layers:
            text = layer if "\n" in layer else files.get(layer)
            if text is None:
                raise NotRendered(f"no file {layer}")
            layers.append(Layer("", _values(text)))
        return "".join(_rendered(files, recipe, recipe.chart, layers))


def _rendered(
    files: Mapping[str, str], recipe: HelmTemplate, chart: str, given: Sequence[Layer]
) -> Iterator[str]:
    """The documents of a chart, then those of the charts that it brings along, which get the values below their name."""
    folder = f"{chart}/" if chart else ""
    about = yaml.safe_load(files.get(f"{folder}Chart.yaml", "")) or {}
    own = _values(files.get(f"{folder}values.yaml", ""))
    values = merged([Layer("", own), *given])
    scope = {
        "Values": values,
        "Release": {"Name": recipe.release, "Namespace": recipe.namespace},
        "Chart": {"Name": about.get("name"), "AppVersion": about.get("appVersion")},
    }
    templates = _Templates(scope)
    texts = {p: t for p, t in files.items() if p.startswith(f"{folder}templates/")}
    for path in sorted(texts, key=lambda path: not path.endswith(".tpl")):
        templates.read(texts[path])
    for path, text in texts.items():
        written = templates.run(text) if path.endswith("yaml") else ""
        if written.strip():
            yield f"---\n{written.rstrip()}\n"
    for entry in about.get("dependencies") or ():
        if not entry.get("name") or not str(entry.get("repository")).startswith("file://"):
            raise NotRendered(f"chart {entry.get('name')} is not here")
        name = entry.get("alias") or entry["name"]
        below = posixpath.join(chart, "charts", posixpath.basename(entry["repository"]))
        inside = values.get(name) or {}
        if not isinstance(inside, Mapping):
            raise NotRendered(f"values of {name} that are no mapping")
        yield from _rendered(files, recipe, below, [Layer("", inside)])


def _values(text: str) -> Mapping[str, Any]:
    """Values as Helm reads them. Raises NotRendered for what is no mapping."""
    try:
        found = yaml.safe_load(text) or {}
    except yaml.YAMLError:
        raise NotRendered("values that are no YAML") from None
    if not isinstance(found, Mapping):
        raise NotRendered("values that are no mapping")
    return found


class _Templates:
    def __init__(self, scope: Mapping[str, Any]) -> None:
        self._scope = scope
        self._named: dict[str, list[Any]] = {}

    def read(self, text: str) -> None:
        """Keeps the named templates of a file."""
        self._tree(list(_parts(text)))

    def run(self, text: str) -> str:
        return self._write(self._tree(list(_parts(text))), self._scope)

    def _tree(self, parts: list[tuple[str, str]]) -> list[Any]:
        """Text and actions as nested blocks: ``("text", …)``, ``("value", …)``, ``("with", expression, block)``."""
        stack: list[tuple[str, str, list[Any]]] = [("", "", [])]
        for kind, content in parts:
            word, _, rest = content.partition(" ")
            if kind == "text":
                stack[-1][2].append(("text", content))
            elif word in ("with", "if", "define"):
                stack.append((word, rest.strip(), []))
            elif word == "end":
                opened, said, block = stack.pop()
                if opened == "define":
                    self._named[said.strip('"')] = block
                else:
                    stack[-1][2].append((opened, said, block))
            else:
                stack[-1][2].append(("value", content))
        if len(stack) != 1:
            raise NotRendered("a block of a template does not end")
        return stack[0][2]

    def _write(self, block: list[Any], dot: Any) -> str:
        out = ""
        for one in block:
            if one[0] == "text":
                out += one[1]
            elif one[0] == "value":
                value = self._value(one[1], dot)
                out += "" if value is None else _shown(value)
            else:
                value = self._value(one[1], dot)
                if value:
                    out += self._write(one[2], value if one[0] == "with" else dot)
        return out

    def _value(self, expression: str, dot: Any) -> Any:
        value: Any = None
        for place, part in enumerate(expression.split(" | ")):
            words = _WORDS.findall(part)
            name, arguments = words[0], [self._atom(word, dot) for word in words[1:]]
            if place:
                arguments.append(value)
            value = self._atom(name, dot) if name[0] in '."' else self._call(name, arguments)
        return value

    def _call(self, name: str, arguments: list[Any]) -> Any:
        match name:
            case "include":
                return self._write(self._named[arguments[0]], arguments[1])
            case "quote":
                return json.dumps(_shown(arguments[0]))
            case "default":
                return arguments[1] or arguments[0]
            case "toYaml":
                return yaml.safe_dump(arguments[0], default_flow_style=False).rstrip()
            case "nindent" | "indent":
                text = "\n".join(" " * arguments[0] + line for line in arguments[1].split("\n"))
                return ("\n" if name == "nindent" else "") + text
            case "randAlphaNum":
                return "".join(random.choice(string.ascii_letters) for _ in range(arguments[0]))
            case "trunc":
                return arguments[1][: arguments[0]]
        raise NotRendered(f"the stand-in knows no {name}")

    def _atom(self, word: str, dot: Any) -> Any:
        if word[0] == '"':
            return word.strip('"')
        if word[0] != ".":
            return int(word)
        root = (
            self._scope
            if word[1:].split(".", maxsplit=1)[0] in self._scope and dot is self._scope
            else dot
        )
        for key in filter(None, word[1:].split(".")):
            if not isinstance(root, Mapping):
                raise NotRendered(f"nil pointer evaluating {word}")
            root = root.get(key)
        return root


def _parts(text: str) -> Iterator[tuple[str, str]]:
    at, trim = 0, False
    for found in re.finditer(r"\{\{(-?)\s*(.*?)\s*(-?)\}\}", text, re.DOTALL):
        before = text[at : found.start()]
        before = before.lstrip() if trim else before
        yield "text", before.rstrip() if found[1] else before
        yield "action", found[2]
        at, trim = found.end(), bool(found[3])
    yield "text", text[at:].lstrip() if trim else text[at:]


def _shown(value: Any) -> str:
    """As Go prints it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _text(content: bytes | str) -> str:
    return content if isinstance(content, str) else content.decode("utf-8", "replace")

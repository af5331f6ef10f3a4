"""`kfix settings`: every variable, its default, and why. From the settings models themselves, so it cannot be out of date."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kfix.infra.settings import Settings


@dataclass(frozen=True)
class Variable:
    """One setting as people set it."""

    name: str
    default: str
    text: str


@cache
def models() -> tuple[str, ...]:
    """module:class of each settings model, in the order of the page. Imports every place that may have some."""
    from ingest.sources import NAMES
    from kfix.infra.forges import FORGES
    from kfix.infra.memory.indexes import INDEXES, module_of

    return (
        "kfix.infra.settings:AppSettings",
        "kfix.infra.settings:JudgementLinks",
        "kfix.infra.settings:Kafka",
        "kfix.infra.settings:Retention",
        "kfix.infra.settings:DatadogConnection",
        "kfix.infra.clients.prometheus.settings:PrometheusConnection",
        "kfix.infra.settings:KubernetesConnection",
        *(f"kfix.infra.forges.{name}.settings:SETTINGS" for name in FORGES),
        "kfix.infra.clients.renderers:Rendering",
        "kfix.infra.clients.oci:ImageRegistries",
        "kfix.infra.settings:ConnectedCluster",
        "kfix.infra.clusters:ClustersFile",
        "ingest.settings:Ingest",
        *(f"ingest.sources.{name}.settings:SETTINGS" for name in sorted(NAMES)),
        "enrich.settings:Enrich",
        "decide.settings:Decide",
        "safety.settings:Safety",
        "publish.settings:Publish",
        "learn.settings:Learn",
        "console.settings:Console",
        "kfix.infra.memory.settings:MemorySettings",
        *(
            f"kfix.infra.memory.indexes.{name}:SETTINGS"
            for name in INDEXES
            if hasattr(module_of(name), "SETTINGS")
        ),
        "kfix.engine.runtime.settings:Runtime",
    )


def register(app: typer.Typer) -> None:
    """Adds ``settings``."""
    app.command("settings")(settings)


def settings(
    markdown: Annotated[bool, typer.Option(help="as the page docs/settings.md")] = False,
) -> None:
    """Every variable with its default and meaning."""
    if markdown:
        typer.echo(page(), nl=False)
        return
    for name in models():
        model = load(name)
        typer.echo(f"\n{(model.__doc__ or '').splitlines()[0]}")
        for variable in variables(model):
            typer.echo(f"  {variable.name}={variable.default}\n      {variable.text}")


def page() -> str:
    """The page docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "Read from the environment, from `.env`, and from files named like the variables (as Kubernetes mounts Secrets) in",
        "`KFIX_SECRETS_DIR`; the environment wins. This page is `kfix settings --markdown`.",
    ]
    for name in models():
        model = load(name)
        lines += ["", f"## {model.__name__}", "", (model.__doc__ or "").splitlines()[0], ""]
        lines += ["| variable | default | meaning |", "| --- | --- | --- |"]
        lines += [
            f"| `{v.name}` | {_code(v.default)} | {_cell(v.text)} |" for v in variables(model)
        ]
    return "\n".join(lines) + "\n"


def of_stages(names: Iterable[str]) -> list[type[Settings]]:
    """Every model that these stages may read: their own and all that belong to no stage."""
    from kfix.cli.stage_registry import NAMES

    others = set(NAMES) - set(names)
    return [load(name) for name in models() if name.partition(".")[0] not in others]


def load(name: str) -> type[Settings]:
    """The settings model ``module:class``."""
    module, _, cls = name.partition(":")
    found: type[Settings] = getattr(importlib.import_module(module), cls)
    return found


def variables(model: type[Settings]) -> Iterator[Variable]:
    """The model's variables in order, with the comment that stands above each."""
    texts = comments(inspect.getsource(model))
    prefix = model.model_config.get("env_prefix", "")
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = default.get_secret_value() if hasattr(default, "get_secret_value") else default
        yield Variable(f"{prefix}{name}".upper(), _shown(shown), texts.get(name, ""))


def comments(source: str) -> dict[str, str]:
    """Field name to the ``#:`` lines right above it."""
    found: dict[str, str] = {}
    gathered: list[str] = []
    for line in source.splitlines():
        told = re.match(r"\s*#: ?(.*)", line)
        named = re.match(r"    (\w+):", line)
        if told:
            gathered.append(told[1])
        elif named:
            found[named[1]] = " ".join(gathered)
            gathered = []
        else:
            gathered = []
    return found


def _shown(value: object) -> str:
    if value in (None, "", (), {}, []):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("``", "`")

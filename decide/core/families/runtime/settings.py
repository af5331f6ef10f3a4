"""The setting that a program complains of: its value stands in the program's own line and in what the container reads. Pure.

A slip that the value itself shows is mended; what else it ought to be, only Git's last value tells. A log line writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from decide.core.declared import value_before
from decide.core.drafting.containers import env_path
from decide.core.drafting.drafts import PlanDraft, after, because, patch, patch_workload
from decide.core.facts import Facts
from decide.core.families.runtime.facts import BadSetting
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import ref_of
from manifests.objects.pods import Container
from manifests.objects.shapes import Obj, at, items, mapping
from manifests.objects.workloads import Workload
from schemas.plans import KubernetesChange

_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
_QUOTED = re.compile(r"\"([^\"]+)\"|'([^']+)'")
#: A key of a ConfigMap that a path can name, and a value that one line holds.
_KEY = re.compile(r"[-._A-Za-z0-9]{1,253}")
_VALUE = re.compile(r"[^\s'\"][^\r\n'\"]{0,199}")


def setting_of(
    view: ClusterView, workload: Workload, container: Container, line: str
) -> BadSetting | None:
    """The setting whose name and value the line names, or whose value it quotes; ``None`` where none or several do."""
    known = list(_settings(view, workload, container))
    named = [s for s in known if _says(line, s.name) and _says(line, s.value)]
    quoted = [s for s in known if any(s.value in pair for pair in _QUOTED.findall(line))]
    for found in (named, quoted):
        if len({(s.name, s.value) for s in found}) == 1:
            return found[0]
    return None


def _says(line: str, word: str) -> bool:
    return bool(word) and re.search(rf"(?<![\w.]){re.escape(word)}(?![\w.])", line) is not None


def _settings(view: ClusterView, workload: Workload, container: Container) -> Iterator[BadSetting]:
    """What the container's environment says, written out or from a ConfigMap."""
    setting = partial(BadSetting, workload=workload, container=container.name)
    for entry in container.env:
        name = str(entry.get("name") or "")
        if isinstance(entry.get("value"), str):
            yield setting(name=name, value=str(entry["value"]))
        chosen = mapping(entry, "valueFrom", "configMapKeyRef")
        config, key = str(chosen.get("name") or ""), str(chosen.get("key") or "")
        data = _data(view, workload, config)
        if key in data:
            yield setting(name=name, config=config, key=key, value=str(data[key]))
    for source in items(container.spec.get("envFrom")):
        config, prefix = str(at(source, "configMapRef", "name") or ""), at(source, "prefix") or ""
        for key, value in _data(view, workload, config).items():
            yield setting(name=f"{prefix}{key}", config=config, key=str(key), value=str(value))


def _data(view: ClusterView, workload: Workload, config: str) -> Obj:
    return mapping(view.get("configmaps", workload.namespace, config) or {}, "data")


def mended(finding: Finding[Facts], view: ClusterView) -> list[PlanDraft]:
    """The value without its slip, else as the commit had it that changed it; empty where no setting is known."""
    facts = finding.facts
    if not isinstance(facts, BadSetting):
        return []
    value, source = _without_slip(facts.value), "slip"
    if not value and facts.key:
        value, source = value_before(view, facts.key), "committed"
    if not _VALUE.fullmatch(value) or value == facts.value:
        return []
    why = say(f"runtime.setting.{source}", now=facts.value, new=value)
    return [
        PlanDraft(
            fix_kind="set_env",
            title=say("runtime.setting.title", name=facts.key or facts.name, value=value),
            why=after(because(finding.detail), why),
            changes=_changes(facts, view, value),
            weight=0.88,
            risks=[say("runtime.setting.read_at_start")],
        )
    ]


def _without_slip(value: str) -> str:
    """A decimal comma, spaces around it, quotes inside quotes; empty where nothing of the kind shows."""
    bare = value.strip()
    if len(bare) > 2 and bare[0] == bare[-1] and bare[0] in "'\"":
        bare = bare[1:-1].strip()
    if _DECIMAL_COMMA.fullmatch(bare):
        bare = bare.replace(",", ".")
    return bare if bare and bare != value and _VALUE.fullmatch(bare) else ""


def _changes(facts: BadSetting, view: ClusterView, value: str) -> list[KubernetesChange]:
    if not facts.config:
        container = next(
            (c for c in facts.workload.containers(init=True) if c.name == facts.container), None
        )
        if container is None:
            return []
        return patch_workload(view, facts.workload, [(env_path(container, facts.name), value)])
    config = view.get("configmaps", facts.workload.namespace, facts.config)
    if config is None or not _KEY.fullmatch(facts.key):
        return []
    ref = ref_of(config, "ConfigMap", version="v1")
    return patch(view, ref, config, [(f"data['{facts.key}']", value)])

"""The setting that a program complains of: its value stands in the program's own line and in what the container reads. Pure.

A slip that the value itself shows is mended; what else it ought to be, only Git's last value tells. A log line writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from decide.core.declared import value_before
from decide.core.drafting.containers import env_path
from decide.core.drafting.drafts import PlanDraft, after, because, patch
from decide.core.facts import Facts
from decide.core.families.runtime.facts import BadSetting
from decide.core.findings import Finding
from decide.core.told import is_set_elsewhere, meant
from decide.core.view import ClusterView
from decide.core.written import earlier, is_open
from kfix.texts import say
from manifests.objects.meta import ref_of
from manifests.objects.pods import Container
from manifests.objects.shapes import Obj, at, items, mapping
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef
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
    known = list(settings_of(view, workload, container))
    named = [s for s in known if _says(line, s.name) and _says(line, s.value)]
    quoted = [s for s in known if any(s.value in pair for pair in _QUOTED.findall(line))]
    for found in (named, quoted):
        if len({(s.name, s.value) for s in found}) == 1:
            return found[0]
    return None


def _says(line: str, word: str) -> bool:
    return bool(word) and re.search(rf"(?<![\w.]){re.escape(word)}(?![\w.])", line) is not None


def settings_of(
    view: ClusterView, workload: Workload, container: Container
) -> Iterator[BadSetting]:
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
    """The value without its slip, as the commit had it that changed it, or as the program expects it and others have it.

    One plan for each way that tells another value; empty where no setting is known.
    """
    facts = finding.facts
    if not isinstance(facts, BadSetting):
        return []
    ways = (
        ("slip", without_slip(facts.value)),
        ("committed", _before(facts, view)),
        ("told", _expected(facts, view, finding.detail)),
    )
    found: dict[str, str] = {}
    for source, value in ways:
        if _VALUE.fullmatch(value) and value != facts.value:
            found.setdefault(value, source)
    name = facts.key or facts.name
    return [
        PlanDraft(
            fix_kind="set_env",
            title=say("runtime.setting.title", name=name, value=value),
            why=after(because(finding.detail), _reason(source, name, facts.value, value)),
            changes=_changes(facts, view, value),
            weight=0.88 - 0.1 * rank,
            risks=[say("runtime.setting.read_at_start")],
        )
        for rank, (value, source) in enumerate(found.items())
    ]


def _reason(source: str, name: str, now: str, new: str) -> str:
    if source == "told":
        return say("runtime.setting.told", name=name, now=now, new=new)
    return say(f"runtime.setting.{source}", now=now, new=new)


def _place(facts: BadSetting, view: ClusterView) -> tuple[ObjectRef, Obj, str] | None:
    """The object that holds the value, and its field there."""
    if not facts.config:
        workload = facts.workload
        containers = workload.containers(init=True)
        container = next((c for c in containers if c.name == facts.container), None)
        if container is None:
            return None
        path = env_path(container, facts.name).replace(":", f"{workload.template_path}.", 1)
        return workload.ref, workload.obj, path
    config = view.get("configmaps", facts.workload.namespace, facts.config)
    if config is None or not _KEY.fullmatch(facts.key):
        return None
    return ref_of(config, "ConfigMap", version="v1"), config, f"data['{facts.key}']"


def _before(facts: BadSetting, view: ClusterView) -> str:
    """The value that a commit replaced by the present one; empty where none tells."""
    place = _place(facts, view)
    if place is None:
        return ""
    found = [one.before for one in earlier(view, *place) if is_open(one.before)]
    if len(found) == 1 and isinstance(found[0], str | int | float):
        return str(found[0])
    told = value_before(view, facts.key, place[0]) if facts.key else ""
    return told if is_open(told) else ""


def _expected(facts: BadSetting, view: ClusterView, line: str) -> str:
    """The word that the program's line expects, where the same setting has it elsewhere in the cluster; else empty."""
    value, place = meant(facts.value, line), _place(facts, view)
    if not value or place is None:
        return ""
    names = {facts.key, facts.name} - {""}
    there = any(is_set_elsewhere(view, name, value, place[0]) for name in names)
    return value if there else ""


def without_slip(value: str) -> str:
    """A decimal comma, spaces around it, quotes inside quotes; empty where nothing of the kind shows."""
    bare = value.strip()
    if len(bare) > 2 and bare[0] == bare[-1] and bare[0] in "'\"":
        bare = bare[1:-1].strip()
    if _DECIMAL_COMMA.fullmatch(bare):
        bare = bare.replace(",", ".")
    return bare if bare and bare != value and _VALUE.fullmatch(bare) else ""


def _changes(facts: BadSetting, view: ClusterView, value: str) -> list[KubernetesChange]:
    place = _place(facts, view)
    if place is None:
        return []
    ref, obj, path = place
    return patch(view, ref, obj, [(path, value)])

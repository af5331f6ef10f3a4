"""Plans for commands that cannot be run: the word that was meant, what ran before, a mounted script that may not be executed.

What is proposed comes from a closed list of programs, from what siblings run, from an earlier revision or from the script's
own first line: the message only tells which declared word is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from decide.core.drafting.containers import container_of
from decide.core.drafting.drafts import RESTART, PlanDraft, container_path, patch_workload
from decide.core.drafting.revisions import before, proven
from decide.core.families.startup.facts import UnrunnableCommand
from decide.core.families.startup.programs import KNOWN, SHELLS
from decide.core.findings import Finding
from decide.core.names import meant
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.pods import Container
from manifests.objects.shapes import Obj, at, items, mapping, number
from manifests.objects.workloads import Workload

#: Folders that hold installed programs: a known program may be looked for there.
_BIN = re.compile(r"(?:/usr(?:/local)?)?/s?bin")
#: Characters of a command line that is still read as one.
_LINE = 4000
#: Everybody may read and execute; its owner may write. As ``chmod`` says it, in octal.
_EXECUTABLE = 0o755


def runnable(finding: Finding[UnrunnableCommand], view: ClusterView) -> list[PlanDraft]:
    """The program that was meant, what ran before, a mounted script that may be executed; at most three."""
    container = container_of(finding.facts.workload, finding.facts.container)
    if container is None:
        return []
    return [
        *_meant(finding, view, container),
        *_before(finding, view, container),
        *_script(finding, view, container),
    ]


def _meant(
    finding: Finding[UnrunnableCommand], view: ClusterView, container: Container
) -> Iterator[PlanDraft]:
    """The one program that the misspelt word is a slip of, where the word stands in the declared command."""
    facts = finding.facts
    right = _right(view, facts.workload, container, facts.word)
    wanted = _exchanged(facts.workload, container, facts.word, right) if right else []
    if wanted:
        yield PlanDraft(
            fix_kind="set_command",
            title=say("startup.command.title", right=right, container=container.name),
            why=say("startup.command.why", word=facts.word, right=right),
            changes=patch_workload(view, facts.workload, wanted),
            weight=0.9,
            risks=[say("startup.command.risk"), RESTART],
        )


def _right(view: ClusterView, workload: Workload, container: Container, word: str) -> str:
    """What the word was meant to be: by the programs of siblings, else by the known ones; empty where none or several fit."""
    folder, _, name = word.rpartition("/")
    of_siblings = meant(word, set(_siblings(view, workload, container)))
    if of_siblings or (folder and not _BIN.fullmatch(folder)) or name in KNOWN:
        return of_siblings
    known = meant(name, KNOWN)
    return f"{folder}/{known}" if known and "/" in word else known


def _siblings(view: ClusterView, workload: Workload, container: Container) -> Iterator[str]:
    """First words of commands that run: of the template's other containers, and of the same image elsewhere."""
    image = _repository(container)
    for other in view.workloads:
        if other.namespace != workload.namespace:
            continue
        mine = other.ref.key == workload.ref.key
        for one in other.containers(init=True):
            if mine and one.name == container.name:
                continue
            if (mine or other.ready) and _repository(one) == image:
                yield from (str(w) for w in items(one.spec.get("command"))[:1])


def _repository(container: Container) -> str:
    """Its image without tag and digest."""
    image = str(container.spec.get("image") or "").partition("@")[0]
    head, colon, tag = image.rpartition(":")
    return head if colon and "/" not in tag else image


def _exchanged(
    workload: Workload, container: Container, word: str, right: str
) -> list[tuple[str, Any]]:
    """The declared words with the right one in its place: an element that is the word, or a shell's line that has it."""
    out: list[tuple[str, Any]] = []
    shell = _is_shell(container)
    pattern = re.compile(rf"(?<![\w./$-]){re.escape(word)}(?![\w./=-])")
    for field in ("command", "args"):
        for n, said in enumerate(items(container.spec.get(field))):
            if not isinstance(said, str) or len(said) > _LINE:
                continue
            changed = right if said == word else pattern.sub(right, said) if shell else said
            if changed != said:
                out.append((container_path(workload, container.name, f"{field}[{n}]"), changed))
    return out


def _is_shell(container: Container) -> bool:
    """A shell reads the container's words."""
    words = [*items(container.spec.get("command")), *items(container.spec.get("args"))]
    return bool(words) and str(words[0]).rpartition("/")[2] in SHELLS


def _before(
    finding: Finding[UnrunnableCommand], view: ClusterView, container: Container
) -> Iterator[PlanDraft]:
    """The command and arguments of the last good revision: the image's own where it stated none."""
    workload = finding.facts.workload
    good = None if proven(view, workload) else before(view, workload)
    if good is None:
        return
    then = _named(good.spec, container)
    if then is None or then.get("image") != container.spec.get("image"):
        return  # another image has other programs: going back is the whole revision's matter
    wanted = [
        (container_path(workload, container.name, field), then.get(field))
        for field in ("command", "args")
        if (then.get(field) or None) != (container.spec.get(field) or None)
    ]
    if wanted:
        own = not then.get("command")
        yield PlanDraft(
            fix_kind="set_command",
            title=say(
                "startup.command.own_title" if own else "startup.command.before_title",
                container=container.name,
            ),
            why=say(
                "startup.command.own_why" if own else "startup.command.before_why",
                revision=good.number,
                name=good.name,
            ),
            changes=patch_workload(view, workload, wanted),
            weight=0.93 if good.worked else 0.8,
            risks=[RESTART],
        )


def _named(spec: Obj, container: Container) -> Obj | None:
    group = "initContainers" if container.init else "containers"
    found = (mapping(one) for one in items(spec.get(group)))
    return next((one for one in found if one.get("name") == container.name), None)


def _script(
    finding: Finding[UnrunnableCommand], view: ClusterView, container: Container
) -> Iterator[PlanDraft]:
    """A script of a mounted ConfigMap that may not be executed: a mode that lets it, or the interpreter that it names."""
    facts = finding.facts
    found = _mounted(facts, container) if facts.denied else None
    if found is None:
        return
    volume, key = found
    mode = at(volume, "configMap", "defaultMode")
    if number(mode, 0o644) & 0o111:
        return
    path = f":volumes[name={volume.get('name')}].configMap.defaultMode"
    why = say("startup.command.script_why", path=facts.word, volume=str(volume.get("name")))
    yield PlanDraft(
        fix_kind="set_volume",
        title=say("startup.command.mode_title", volume=str(volume.get("name"))),
        why=why,
        changes=patch_workload(view, facts.workload, [(path, _EXECUTABLE)]),
        weight=0.9,
        risks=[RESTART],
    )
    interpreter = _interpreter(view, facts.workload, volume, key)
    command = [str(word) for word in items(container.spec.get("command"))]
    if interpreter and command[:1] == [facts.word]:
        wanted = (
            container_path(facts.workload, container.name, "command"),
            [interpreter, *command],
        )
        yield PlanDraft(
            fix_kind="set_command",
            title=say("startup.command.by_title", interpreter=interpreter, path=facts.word),
            why=why,
            changes=patch_workload(view, facts.workload, [wanted]),
            weight=0.8,
            risks=[RESTART],
        )


def _mounted(facts: UnrunnableCommand, container: Container) -> tuple[Obj, str] | None:
    """The ConfigMap volume, and its key, that the word is a file of; ``None`` where it is none's, or picks its keys."""
    for mount in map(mapping, items(container.spec.get("volumeMounts"))):
        folder, sub = str(mount.get("mountPath") or "").rstrip("/"), str(mount.get("subPath") or "")
        inside = facts.word.removeprefix(f"{folder}/")
        key = sub if sub and facts.word == folder else "" if inside == facts.word else inside
        volume = next(
            (
                v
                for v in map(mapping, items(facts.workload.spec.get("volumes")))
                if v.get("name") == mount.get("name") and mapping(v, "configMap")
            ),
            None,
        )
        if key and "/" not in key and volume is not None and not at(volume, "configMap", "items"):
            return volume, key
    return None


_SHEBANG = re.compile(r"#!\s*(?:/usr/bin/env\s+)?(?P<program>[\w./+-]+)")


def _interpreter(view: ClusterView, workload: Workload, volume: Obj, key: str) -> str:
    """The known program that the script's first line names; empty where it names none, or gives it options."""
    name = str(at(volume, "configMap", "name") or "")
    config = view.get("configmaps", workload.namespace, name) or {}
    first = str(mapping(config, "data").get(key) or "").partition("\n")[0].strip()
    said = _SHEBANG.fullmatch(first)
    program = said["program"] if said is not None else ""
    return program if program.rpartition("/")[2] in KNOWN else ""

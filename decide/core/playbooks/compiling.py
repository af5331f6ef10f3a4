"""Playbook files become compiled playbooks, all of them or none. Pure: text in, playbooks out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import yaml
from pydantic import ValidationError

from decide.core.families.entry import of
from decide.core.playbooks.cel import BadExpression, Environment, Program
from decide.core.playbooks.reading import (
    BadPlaybooks,
    PlaybookSource,
    Problem,
    line_of,
    problem_at,
    read,
)
from decide.core.playbooks.shape import PLACEHOLDER, PlanStep, Playbook, PlaybookText
from decide.core.taxonomy import CLASSES, FAMILIES, FailureClass

_PLAIN = frozenset({"kind", "name", "namespace"})


@dataclass(frozen=True, slots=True)
class CompiledPlan:
    """A plan's expressions; ``values`` belong to the changes, ``None`` for a removal."""

    step: PlanStep
    when: Program | None
    values: tuple[Program | None, ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A playbook that can be matched."""

    playbook: Playbook
    file: str
    entry: FailureClass
    lets: tuple[tuple[str, Program], ...]
    #: As written.
    when: tuple[Program, ...]
    evidence: tuple[Program | None, ...]
    plans: tuple[CompiledPlan, ...]

    #: Variables that any expression looks at, and all words in them.
    names: frozenset[str]
    words: frozenset[str]
    let_names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Playbooks:
    """The playbooks in use, ordered by id."""

    entries: tuple[Compiled, ...] = ()


NONE = Playbooks()


def compile_all(sources: Iterable[PlaybookSource]) -> Playbooks:
    """Raises BadPlaybooks when any file has a problem: a set is never half loaded."""
    problems: list[Problem] = []
    found: dict[str, Compiled] = {}
    for source in sources:
        try:
            compiled = compile_one(source)
        except BadPlaybooks as bad:
            problems += bad.problems
            continue
        other = found.setdefault(compiled.playbook.id, compiled)
        if other is not compiled:
            problems.append(
                Problem(source.name, 1, f"id {compiled.playbook.id} is already in {other.file}")
            )
    if problems:
        raise BadPlaybooks(sorted(problems))
    return Playbooks(tuple(found[name] for name in sorted(found)))


def compile_one(source: PlaybookSource) -> Compiled:
    """One file. Raises BadPlaybooks."""
    tree, document = read(source)
    try:
        playbook = Playbook.model_validate(document)
    except ValidationError as error:
        raise BadPlaybooks(
            [problem_at(source, tree, e["loc"], e["msg"]) for e in error.errors()]
        ) from error
    return _Compiler(source, tree, playbook).compiled()


class _Compiler:
    """Compiles one playbook and collects what is wrong with it."""

    def __init__(self, source: PlaybookSource, tree: yaml.Node, playbook: Playbook) -> None:
        self._source = source
        self._tree = tree
        self._playbook = playbook
        self._problems: list[Problem] = []
        self._lets: list[tuple[str, Program]] = []
        self._clean: list[str] = []
        self._conditions = Environment(told=True)
        self._values = Environment(told=False)

    def compiled(self) -> Compiled:
        """Raises BadPlaybooks with all problems."""
        playbook = self._playbook
        self._name_values()
        when = [self._truth(("when", n), text) for n, text in enumerate(playbook.when)]
        evidence = [self._proof(n) for n in range(len(playbook.evidence))]
        plans = [self._plan(n, step) for n, step in enumerate(playbook.plans)]
        self._texts()
        self._class()
        if self._problems:
            raise BadPlaybooks(sorted(self._problems))
        programs = [p for _, p in self._lets] + [p for p in (*when, *evidence) if p]
        for plan in plans:
            programs += [p for p in (plan.when, *plan.values) if p] if plan else []
        return Compiled(
            playbook,
            self._source.name,
            self._entry(),
            tuple(self._lets),
            tuple(p for p in when if p),
            tuple(evidence),
            tuple(p for p in plans if p),
            frozenset[str]().union(*(p.names for p in programs)),
            frozenset(word for p in programs for word in re.findall(r"\w+", p.text)),
            frozenset(name for name, _ in self._lets),
        )

    def _note(self, where: Sequence[int | str], message: str, *, line: int = 1) -> None:
        """``line``: of an expression's own lines, from 1."""
        found = problem_at(self._source, self._tree, where, message)
        style = getattr(line_of(self._tree, where)[1], "style", None)
        below = line if style in ("|", ">") else line - 1  # a block begins under its key
        self._problems.append(Problem(found.file, found.line + below, found.message))

    def _name_values(self) -> None:
        for name, text in self._playbook.let.items():
            if name in self._conditions.variables:
                self._note(("let", name), f"{name} is a variable already")
                continue
            program = self._compile(self._conditions, ("let", name), text)
            if program is None:
                continue
            self._lets.append((name, program))
            try:
                self._values.compile(text, "value")
                self._clean.append(name)
            except BadExpression:
                pass  # it looks at words of strangers: good for conditions and texts only
            self._conditions = Environment(told=True, lets=tuple(n for n, _ in self._lets))
            self._values = Environment(told=False, lets=tuple(self._clean))

    def _compile(
        self, env: Environment, where: Sequence[int | str], text: str, *, truth: bool = False
    ) -> Program | None:
        try:
            return env.compile(text, "truth" if truth else "value")
        except BadExpression as bad:
            hint = "" if env is self._conditions else self._hint(str(bad))
            self._note(where, f"{bad} (column {bad.column}){hint}", line=bad.line)
            return None

    def _hint(self, message: str) -> str:
        return (
            "; values see nothing that came from events, logs or the alert"
            if "undeclared" in message
            else ""
        )

    def _truth(self, where: Sequence[int | str], text: str) -> Program | None:
        return self._compile(self._conditions, where, text, truth=True)

    def _proof(self, n: int) -> Program | None:
        text = self._playbook.evidence[n].when
        return self._truth(("evidence", n, "when"), text) if text else None

    def _plan(self, n: int, step: PlanStep) -> CompiledPlan | None:
        before = len(self._problems)
        when = self._truth(("plans", n, "when"), step.when) if step.when else None
        values = [
            self._compile(self._values, ("plans", n, "changes", m, "to"), change.to)
            if change.to is not None
            else None
            for m, change in enumerate(step.changes)
        ]
        for m, change in enumerate(step.changes):
            for name in PLACEHOLDER.findall(change.path):
                if name not in self._clean and name not in _PLAIN:
                    self._note(
                        ("plans", n, "changes", m, "path"),
                        f"{{{name}}} is no let that a path may use",
                    )
        return CompiledPlan(step, when, tuple(values)) if len(self._problems) == before else None

    def _texts(self) -> None:
        known = {name for name, _ in self._lets} | _PLAIN
        playbook = self._playbook
        texts: list[tuple[tuple[int | str, ...], PlaybookText]] = [
            (("title",), playbook.title),
            (("diagnosis",), playbook.diagnosis),
        ]
        texts += [(("evidence", n), proof.text) for n, proof in enumerate(playbook.evidence)]
        for n, step in enumerate(playbook.plans):
            texts += [(("plans", n), text) for text in (step.title, step.why, *step.risks)]
        for where, text in texts:
            for name in PLACEHOLDER.findall(text.en + text.fr):
                if name not in known:
                    self._note(where, f"{{{name}}} is no let")
        if PLACEHOLDER.search(playbook.title.en + playbook.title.fr):
            self._note(("title",), "a title names the class: no placeholders")

    def _class(self) -> None:
        known = CLASSES.get(self._playbook.id)
        if known is not None and not known.names_cause:
            self._note(("id",), f"{known.id} is for the rules to say")

    def _entry(self) -> FailureClass:
        """The class under which findings of this playbook go: a known one stays what it is."""
        playbook = self._playbook
        known = CLASSES.get(playbook.id)
        if known is not None:
            return known
        return of(FAMILIES[playbook.family], playbook.source)(
            id=playbook.id,
            en=playbook.title.en,
            fr=playbook.title.fr or playbook.title.en,
            symptoms="",
            evidence="; ".join(playbook.when),
            confounders=playbook.confounders,
            plans="; ".join(step.title.en for step in playbook.plans),
            severity=playbook.severity,
            handoff=playbook.handoff,
        )

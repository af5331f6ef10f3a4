"""What people look at next where an answer hands over to them. Pure.

A step reads and changes nothing. It is made from the answer's class (its record says what to look at), from the names
of what it is about (``decide.core.scene``), and from what was not read. Adding a class adds no line here.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence

from decide.core.confidence import missing
from decide.core.families.entry import Collected, FailureClass, Look
from decide.core.findings import quote
from decide.core.looks import ANYWHERE, INSTEAD, PROGRAMS, WAYS
from decide.core.opinion import Verdict
from decide.core.scene import image_of, scene
from decide.core.taxonomy import CLASSES
from decide.core.told import suggested
from decide.core.unchecked import unchecked
from decide.core.view import ClusterView
from kfix.texts import in_language, language_of, say
from schemas.base import ObjectRef
from schemas.context import ContextBundle, SourceStatus
from schemas.next_steps import NextStep
from schemas.plans import AbstentionReason, Analysis
from schemas.text import again, cut

#: Steps of an answer: what a person reads at once. One of them says whom to ask.
MOST = 5
#: Of these, what was not read and may tell more than what was.
_UNREAD = 2
#: Characters of a silent source's reason.
_REASON = 160
#: How many looks come before what was not read, by the reason: the more open the cause, the fewer.
_BEFORE: dict[AbstentionReason, int] = {"not_checked": 0, "not_enough_evidence": 1, "ambiguous": 2}
#: Whom to ask for what, by the reason.
_OWNERS = {
    "code_defect": "steps.owner.code",
    "data_loss_risk": "steps.owner.data",
    "capacity": "steps.owner.capacity",
}


def next_steps(
    bundle: ContextBundle, verdict: Verdict, language: str = "en"
) -> tuple[NextStep, ...]:
    """Two to five steps, the most telling first; none where nothing is to be done.

    An answer with plans has them too: whoever checks the plans may refuse them all.
    """
    if verdict.status == "no_action":
        return ()
    steps = _strange(bundle) if verdict.reason == "another_cluster" else _steps(bundle, verdict)
    return tuple(_told(step, language) for step in steps)


def steps_of(
    view: ClusterView, refs: Sequence[ObjectRef], looks: Iterable[Look]
) -> Iterator[NextStep]:
    """The looks whose names are known, as steps; the same command is given once."""
    names, given = scene(view, refs), set[str]()
    for look in looks:
        command = command_of(look, names)
        if not command or command in given:
            continue
        given.add(command)
        said = say(f"steps.look.{look}")
        if look in PROGRAMS:
            said = say(f"steps.{look}", image=quote(image_of(view, refs)))
        yield NextStep(what=said, command=command)


def command_of(look: Look, names: dict[str, str]) -> str:
    """The look's most exact way whose names are known, quoted for a shell; empty where there is none."""
    for way in WAYS[look]:
        try:
            program = PROGRAMS.get(look, "kubectl")
            return shlex.join((program, *way.format_map(names).split()))
        except KeyError:
            continue
    return ""


def _steps(bundle: ContextBundle, verdict: Verdict) -> list[NextStep]:
    view = ClusterView(bundle)
    analysis = verdict.analysis
    entry = CLASSES.get(analysis.failure_class) if analysis is not None else None
    refs = _refs(bundle, analysis)
    looks = list(steps_of(view, refs, (*(entry.looks if entry is not None else ()), *ANYWHERE)))
    if verdict.reason == "ambiguous" and analysis is not None:
        looks[1:1] = _rival(view, analysis)
    unread = [*_silent(view, bundle), *_unread(view, refs, entry, verdict.reason)][:_UNREAD]
    first = _BEFORE.get(verdict.reason, 2)
    named = suggested(view, refs, analysis.failure_class) if analysis is not None else ()
    ranked = [*named, *looks[:first], *unread, *looks[first:]]
    owner = _owner(bundle, refs, verdict)
    return [*_once(ranked)[: MOST - len(owner)], *owner]


def _refs(bundle: ContextBundle, analysis: Analysis | None) -> list[ObjectRef]:
    """What the answer is about: its object, what its evidence was seen at, what the alert points at."""
    found: list[ObjectRef] = []
    if analysis is not None:
        told = analysis.hypotheses[0].evidence_for if analysis.hypotheses else ()
        found += [analysis.object]
        found += [e.object for e in analysis.evidence if e.id in told and e.object is not None]
    subject = bundle.k8s_context.subject
    if subject is None:
        return [*found, *(one.object for one in bundle.search.candidates)]
    return [*found, subject]


def _rival(view: ClusterView, analysis: Analysis) -> list[NextStep]:
    """The first look at the second of two causes that are equally likely."""
    rivals = analysis.hypotheses[1:2]
    return [
        step
        for rival in rivals
        for step in list(steps_of(view, [rival.object], _looks_of(rival.failure_class)))[:1]
    ]


def _looks_of(class_id: str) -> tuple[Look, ...]:
    entry = CLASSES.get(class_id)
    return (*(entry.looks if entry is not None else ()), *ANYWHERE)


def _silent(view: ClusterView, bundle: ContextBundle) -> Iterator[NextStep]:
    """Sources that did not answer, or refused: what to look at so that they do, or who shows the same."""
    names = scene(view, _refs(bundle, None))
    for status in unchecked(bundle):
        said = {"name": status.name, "reason": _reason(status)}
        if not status.name.startswith("kubernetes"):
            yield NextStep(what=say("steps.silent.source", **said))
        elif status.why == "refused":
            rights = {k: v for k, v in names.items() if k != "account"}
            command = command_of("rights", rights) or "kubectl auth can-i --list"
            yield NextStep(what=say("steps.silent.rights", **said), command=command)
        else:
            ready = "kubectl get --raw=/readyz"
            yield NextStep(what=say("steps.silent.cluster", **said), command=ready)


def _reason(status: SourceStatus) -> str:
    return cut(again(status.reason, status.reason_text), _REASON)


def _unread(
    view: ClusterView,
    refs: Sequence[ObjectRef],
    entry: FailureClass | None,
    reason: AbstentionReason,
) -> Iterator[NextStep]:
    """What shows the sources that were not collected; those that decide the class; others where no cause is named."""
    absent = missing(view)
    named = entry is not None and entry.names_cause
    open_ = not named or (reason in _BEFORE and entry is not None and entry.nature == "symptom")
    needed: tuple[Collected, ...] = entry.shows_in if entry is not None else ()
    others = tuple(source for source in INSTEAD if source not in needed) if open_ else ()
    for source in (*needed, *others):
        if source in absent:
            for step in steps_of(view, refs, [INSTEAD[source]]):
                look = again(step.what, step.what_text)
                what = say("steps.unread", source=say(f"decide.source.{source}"), look=look)
                yield NextStep(what=what, command=step.command)
    if not named and view.bundle.monitor is None:
        yield NextStep(what=say("steps.monitor"), link=view.bundle.links.get("monitor", ""))


def _owner(bundle: ContextBundle, refs: Sequence[ObjectRef], verdict: Verdict) -> list[NextStep]:
    """Whom to ask, and for what; nobody where nothing is named."""
    if not refs:
        return []
    asked = say("steps.owner.team", team=quote(bundle.team)) if bundle.team else ""
    everybodys = "steps.owner.node" if refs[0].kind == "Node" else "steps.owner.any"
    text = _OWNERS.get(verdict.reason, everybodys)
    who = asked or say("steps.owner.whoever")
    return [
        NextStep(what=say(text, who=who, object=refs[0].key, at=f"{bundle.alerted_at:%H:%M} UTC"))
    ]


def _strange(bundle: ContextBundle) -> list[NextStep]:
    """An alert about another cluster: every command of ours would look at the wrong one."""
    named = ", ".join(bundle.claim.named[:3])
    where = (
        say("steps.stranger.named", named=quote(named)) if named else say("steps.stranger.nobody")
    )
    monitor = say("steps.stranger.monitor", claim=quote(bundle.alert.title))
    link = bundle.links.get("monitor", "")
    return [NextStep(what=where), NextStep(what=monitor, link=link)]


def _once(steps: Sequence[NextStep]) -> list[NextStep]:
    """The first of the steps with the same command."""
    first = {step.command or step.what: step for step in reversed(steps)}
    return [step for step in steps if first[step.command or step.what] is step]


def _told(step: NextStep, language: str) -> NextStep:
    said = in_language(again(step.what, step.what_text), language_of(language))
    return step.model_copy(update={"what": said})

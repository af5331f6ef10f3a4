"""An answer as text for people: what is wrong, the plans in their order, what stopped them, what to look at next. Pure.

Whatever an answer quotes stands on one line, without characters that move a cursor: nobody outside writes a line of ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from decide.core.taxonomy import CLASSES, title
from kfix.texts import Language, known, language_of, word
from kfix.texts.saying import Filling

#: Fields of one plan that are named; the diff and the JSON have all.
_FIELDS = 6
#: Characters of one value of a field.
_VALUE = 120


def text_of(result: Mapping[str, Any], language: str = "en") -> str:
    """An answer of ``kfix.offline.diagnose`` as lines; it ends with the diff where there is one."""
    words = _Words(language_of(language))
    name = one_line(result["case"])
    if "error" in result:
        said = words("failed", case=name)
        return "\n".join((f"# {said}", one_line(result["error"]), ""))
    said = words("head", case=name, status=words(f"status.{result['status']}"))
    parts = [
        [f"# {said}"],
        _damage(result, words),
        _cause(result, words),
        *_plans(result, words),
        _checks(result, words),
        _steps(result, words),
        _others(result, words),
        _unread(result, words),
        [_diff(result["diff"])] if result["diff"] else [],
    ]
    return "\n\n".join("\n".join(part).rstrip("\n") for part in parts if part) + "\n"


def one_line(text: object) -> str:
    """Outside text on one line; characters that are not printed are blanks."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


class _Words:
    """The area's sentences in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, key: str, /, **parameters: Filling) -> str:
        return word(f"diagnose.{key}", self.language, **parameters)

    def named(self, name: str, what: object) -> str:
        """A name and, behind a colon, what is said of it."""
        return f"{one_line(name)}{self('colon')} {one_line(what)}"

    def check(self, name: str) -> str:
        """What people call a check; its own name where the catalogue has none."""
        key = f"safety.check.{name}"
        return word(key, self.language) if known(key) else one_line(name)


def _damage(result: Mapping[str, Any], words: _Words) -> list[str]:
    """What was handed over broken stands before the answer that rests on the rest of it."""
    why = result.get("damaged")
    return [words("damaged", why=one_line(why))] if why else []


def _cause(result: Mapping[str, Any], words: _Words) -> list[str]:
    """The cause once, how sure that is, the evidence that says more than the cause does, and what follows."""
    analysis = result["ai_analysis"]
    if not analysis:
        return [one_line(result["explanation"])]
    cause, told = analysis["root_cause"], _told(result)
    seen = [e for e in told if e["statement"] not in cause]
    brief = word(
        "decide.cause", words.language, cause=_title(analysis, words), object=analysis["object"]
    )
    for one in told:
        if cause.startswith(brief) and cause.endswith(one["statement"]):
            cause, seen = brief, told
            break
    lines = [one_line(cause), words("confidence", share=analysis["confidence"])]
    lines += [f"  {words.named(words('source.' + e['source']), e['statement'])}" for e in seen]
    follows = one_line(_beyond(result["explanation"], analysis, words))
    return [*lines, *([follows] if follows else [])]


def _told(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The evidence of the first hypothesis; each statement once."""
    first = result["hypotheses"][:1]
    ids = {one for hypothesis in first for one in hypothesis["evidence_for"]}
    found = [e for e in result["ai_analysis"]["evidence"] if e["id"] in ids]
    return list({e["statement"]: e for e in reversed(found)}.values())[::-1]


def _title(finding: Mapping[str, Any], words: _Words) -> str:
    """What the class means; its id for one that is not in the taxonomy."""
    name = str(finding["failure_class"])
    return title(name, words.language) if name in CLASSES else name


def _beyond(explanation: str, analysis: Mapping[str, Any], words: _Words) -> str:
    """What an explanation says besides the cause."""
    head = word(
        "decide.headline",
        words.language,
        cause=_title(analysis, words),
        object=analysis["object"],
    )
    rest = explanation.removeprefix(head) if explanation.startswith(head) else explanation
    return rest.lstrip(". ")


def _plans(result: Mapping[str, Any], words: _Words) -> Iterator[list[str]]:
    """The plans by their numbers, each with its change; what stopped one stands behind it."""
    first = result["recommended_action"]
    found = [plan for plan in (first, *result["alternative_actions"]) if plan]
    for plan in sorted(found, key=lambda one: one["priority"]):
        key = "plan.recommended" if plan is first else "plan.other"
        head = words(key, number=plan["priority"], share=plan["confidence"])
        lines = [f"{head} {one_line(plan['title'])}", f"  {one_line(plan['justification'])}"]
        lines += [f"  {words('risk', what=one_line(risk))}" for risk in plan["risks"]]
        lines += [f"  {line}" for line in _changes(plan["kubernetes_changes"], words)]
        if plan.get("rejected_by"):
            stopped = [words.check(name) for name in plan["rejected_by"]]
            lines.append(f"  {words('plan.rejected', checks=stopped)}")
        if plan.get("by_hand"):
            made = plan["by_hand"].splitlines()
            lines += [f"  {words('plan.by_hand')}", *(f"    {_visible(line)}" for line in made)]
        yield lines


def _changes(changes: Iterable[Mapping[str, Any]], words: _Words) -> list[str]:
    """A line for each field that a plan sets, or object that it makes or takes away."""
    lines = []
    for change in changes:
        named = (change["kind"], change["namespace"], change["name"])
        where = "/".join(one_line(part) for part in named if part)
        if change["action"] != "patch":
            lines.append(words(f"change.{change['action']}", object=where))
            continue
        for path, after in change["changes"].items():
            values = {
                "before": _value(change["before"].get(path), words),
                "after": _value(after, words),
            }
            lines.append(words("change.field", object=where, path=one_line(path), **values))
    more = len(lines) - _FIELDS
    return lines if more <= 0 else [*lines[:_FIELDS], words("change.more", n=more)]


def _value(value: Any, words: _Words) -> str:
    text = words("change.nothing") if value is None else one_line(_plain(value))
    return text if len(text) <= _VALUE else f"{text[: _VALUE - 1]}…"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _checks(result: Mapping[str, Any], words: _Words) -> list[str]:
    """The checks that did not pass in full, those that did on one line."""
    checks: Sequence[Mapping[str, Any]] = result["safety_checks"]
    plan = result["recommended_action"] or next(iter(result["alternative_actions"]), None)
    if not checks or plan is None:
        return []
    lines = [words("checks", number=plan["priority"])]
    for check in checks:
        if check["verdict"] != "pass":
            said = words(f"verdict.{check['verdict']}")
            why = words.named(words.check(check["name"]), check["reason"])
            lines.append(f"  {words.named(said, why)}")
    passed = [words.check(check["name"]) for check in checks if check["verdict"] == "pass"]
    if passed:
        lines.append(f"  {words('passed', n=len(passed), names=passed)}")
    return lines


def _steps(result: Mapping[str, Any], words: _Words) -> list[str]:
    """What to look at, numbered, each command on a line of its own; nothing without steps."""
    steps = result["next_steps"]
    if not steps:
        return []
    lines = [words("before_merging" if result["recommended_action"] else "next")]
    for number, step in enumerate(steps, 1):
        lines.append(f"  {number}. {one_line(step['what'])}")
        lines += [f"     {_visible(line)}" for line in (step["command"], step["link"]) if line]
    return lines


def _others(result: Mapping[str, Any], words: _Words) -> list[str]:
    """The other causes that were weighed, the likelier first."""
    others = sorted(result["hypotheses"][1:], key=lambda one: -one["confidence"])
    if not others:
        return []
    lines = [
        words(
            "other",
            share=one["confidence"],
            cause=one_line(_title(one, words)),
            object=one_line(one["object"]),
        )
        for one in others
    ]
    return [words("others"), *(f"  {line}" for line in lines)]


def _unread(result: Mapping[str, Any], words: _Words) -> list[str]:
    unread = result.get("not_read", ())
    if not unread:
        return []
    told = (words.named(one["name"], one["reason"]) for one in unread)
    return [words("not_read"), *(f"  {line}" for line in told)]


def _diff(diff: str) -> str:
    """The diff, line for line, with what would move a cursor made visible; the JSON has it byte for byte."""
    return "\n".join(map(_visible, diff.split("\n")))


def _visible(line: str) -> str:
    body = line.removesuffix("\r")
    shown = "".join(
        c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in body
    )
    return shown + line[len(body) :]

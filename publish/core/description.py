"""The merge request's text as a reviewer wants it: why, numbers, diff, proof, way back. Outside text is inert."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from manifests.diffs import reverse
from publish.core import inert
from publish.core.wording import Language, colon, word
from schemas.plans import ActionPlan, Analysis, Evidence
from schemas.validated import CheckResult, ValidatedPlan, ValidatedPlans

#: GitLab takes a million characters; beyond this nobody reads.
_MAX = 60_000
_SIGN = {"pass": "✅", "fail": "❌", "unknown": "❔"}


def mr_title(record: ValidatedPlans, chosen: ValidatedPlan) -> str:
    """``K-Fix: <plan> (<service or object>)``."""
    where = record.context.service or (record.analysis.object.name if record.analysis else "")
    text = f"🤖 K-Fix: {inert.title(chosen.plan.title, 120)}"
    return f"{text} ({inert.title(where, 60)})" if where else text


def description(
    record: ValidatedPlans,
    chosen: ValidatedPlan,
    *,
    language: Language,
    incident_url: str,
    hosts: Collection[str],
) -> str:
    """The whole text, in Markdown. Links lead to ``incident_url`` and to ``hosts``, whatever the record says."""
    parts = [
        _why(record, chosen, language, incident_url),
        _evidence(record.analysis, language, hosts),
        _patch(chosen, language),
        _plan(record, chosen, language),
        _checks(chosen.checks, language),
        _rollback(chosen, language),
        _history(record, chosen.plan, language),
        _watch(record, language),
        _footer(record, language, hosts),
    ]
    text = "\n\n".join(part for part in parts if part)
    return text if len(text) <= _MAX else text[:_MAX].rsplit("\n", 1)[0] + "\n\n…"


def _why(
    record: ValidatedPlans, chosen: ValidatedPlan, language: Language, incident_url: str
) -> str:
    context, analysis = record.context, record.analysis
    cause = inert.prose(analysis.root_cause, 600) if analysis else ""
    facts = [
        (word("incident", language), _link(record.incident_id, incident_url)),
        (word("service", language), inert.code(context.service)),
        (word("environment", language), inert.code(context.environment)),
        (word("severity", language), inert.code(analysis.severity if analysis else "")),
        (word("object", language), inert.code(analysis.object.key if analysis else "")),
    ]
    line = " · ".join(f"**{name}** {value}" for name, value in facts)
    alert = f"> {inert.prose(context.alert_title, 200)}\n\n" if context.alert_title else ""
    paragraph = f"{_sentence(cause)} {inert.prose(chosen.plan.justification, 800)}".strip()
    return f"## {word('why', language)}\n\n{alert}{_safe(paragraph)}\n\n{line}"


def _sentence(text: str) -> str:
    return text if not text or text.endswith((".", "!", "?", "…")) else text + "."


def _safe(line: str) -> str:
    """No line of ours starts with outside text that could be a quick action."""
    return inert.BREAK + line if line.startswith("/") else line


def _link(text: str, url: str) -> str:
    """A link, or the text as code where ``url`` is no address."""
    target = inert.address(url)
    return f"[{inert.prose(text, 100)}]({target})" if target else inert.code(text)


def _evidence(analysis: Analysis | None, language: Language, hosts: Collection[str]) -> str:
    if analysis is None or not analysis.evidence:
        return ""
    head = (word("observation", language), word("value", language), word("source", language))
    rows = [
        (inert.cell(e.statement), _value(e), _link(e.source, inert.linked(e.link, hosts)))
        for e in analysis.evidence[:20]
    ]
    return f"## {word('evidence', language)}\n\n{_table(('#', *head), ((inert.code(e.id, 20), *row) for e, row in zip(analysis.evidence, rows, strict=False)))}"


def _value(evidence: Evidence) -> str:
    if evidence.value is None:
        return "–"
    return inert.code(f"{evidence.value:g} {evidence.unit}".strip())


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [f"| {' | '.join(names)} |", "|" + " --- |" * len(names)]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)


def _patch(chosen: ValidatedPlan, language: Language) -> str:
    out = [f"## {word('patch', language)}"]
    for edit in chosen.edits:
        counts = f"+{edit.added_lines}/−{edit.removed_lines}"
        out += [f"{inert.code(edit.path, 500)} {counts}", inert.fence(edit.diff, "diff")]
        if edit.located_by:
            steps = "\n".join(f"1. {inert.prose(step, 300)}" for step in edit.located_by)
            out.append(_details(word("located", language), steps))
    return "\n\n".join(out)


def _details(summary: str, body: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def _plan(record: ValidatedPlans, chosen: ValidatedPlan, language: Language) -> str:
    plan = chosen.plan
    lines = [
        f"## {word('plan', language)}",
        f"**{inert.prose(plan.title, 200)}** ({word('confidence', language)} {plan.confidence:.0%})",
        _changes(plan, language),
    ]
    if plan.estimated_time:
        lines.append(
            f"{word('estimated', language)}{colon(language)} {inert.prose(plan.estimated_time, 100)}"
        )
    if plan.risks:
        risks = "\n".join(f"- {inert.prose(risk, 300)}" for risk in plan.risks[:10])
        lines.append(f"{word('risks', language)}{colon(language)}\n\n{risks}")
    others = [p for p in record.plans if p.plan.plan_id != plan.plan_id]
    if others:
        body = "\n\n".join(_alternative(other, language) for other in others)
        lines.append(_details(f"{word('alternatives', language)} ({len(others)})", body))
    return "\n\n".join(lines)


def _changes(plan: ActionPlan, language: Language) -> str:
    rows = [
        (
            inert.code(c.object.key),
            inert.code(f.path),
            inert.code(_shown(f.before)),
            inert.code(_shown(f.after)),
        )
        for c in plan.kubernetes_changes
        for f in c.fields
    ]
    created = [
        f"- {inert.code(c.action)} {inert.code(c.object.key)}"
        for c in plan.kubernetes_changes
        if not c.fields
    ]
    table = (
        _table((word(w, language) for w in ("object", "field", "before", "after")), rows)
        if rows
        else ""
    )
    return "\n\n".join(part for part in (table, "\n".join(created)) if part)


def _shown(value: object) -> str:
    return "–" if value is None else str(value)


def _alternative(other: ValidatedPlan, language: Language) -> str:
    plan = other.plan
    state = word("accepted", language)
    if not other.accepted:
        state = (
            f"{word('rejected', language)} {', '.join(inert.code(n) for n in other.rejected_by)}"
        )
    head = f"**{plan.priority}. {inert.prose(plan.title, 200)}** ({word('confidence', language)} {plan.confidence:.0%}, {state})"
    failed = [
        f"- {inert.prose(c.reason, 300)}" for c in other.checks if c.name in other.rejected_by
    ]
    reasons = "\n".join(failed)
    return "\n\n".join(
        part
        for part in (
            head,
            _safe(inert.prose(plan.justification, 500)),
            _changes(plan, language),
            reasons,
        )
        if part
    )


def _checks(checks: Iterable[CheckResult], language: Language) -> str:
    rows = [
        (
            f"{_SIGN[check.verdict]} {word(check.verdict, language)}",
            inert.code(check.name),
            inert.cell(check.reason),
            "<br>".join(
                f"{inert.code(name, 60)} {inert.code(number, 80)}"
                for name, number in list(check.numbers.items())[:12]
            )
            or "–",
        )
        for check in checks
    ]
    if not rows:
        return ""
    head = (
        word("verdict", language),
        word("check", language),
        word("detail", language),
        word("numbers", language),
    )
    return f"## {word('checks', language)}\n\n{_table(head, rows)}"


def _rollback(chosen: ValidatedPlan, language: Language) -> str:
    plan = chosen.plan
    lines = [f"## {word('rollback', language)}"]
    if plan.rollback_plan:
        lines.append(_safe(inert.prose(plan.rollback_plan, 600)))
    inverse = "".join(reverse(edit.diff) for edit in chosen.edits)
    if inverse:
        lines.append(_details(word("rollback_how", language), inert.fence(inverse, "diff")))
    return "\n\n".join(lines)


def _history(record: ValidatedPlans, plan: ActionPlan, language: Language) -> str:
    failure = record.analysis.failure_class if record.analysis else ""
    held = [
        p
        for p in record.context.successful_patterns
        if _same(p.fix_kind, p.failure_class, plan, failure)
    ]
    lost = [
        p
        for p in record.context.failed_patterns
        if _same(p.fix_kind, p.failure_class, plan, failure)
    ]
    head = f"## {word('history', language)}"
    similar = [
        f"- {inert.code(s.incident_id)} {inert.prose(s.title or s.plan_title, 150)} ({s.similarity:.2f}, {s.result or '–'})"
        + (f": {inert.prose(s.lesson, 200)}" if s.lesson else "")
        for s in record.context.similar_incidents[:3]
    ]
    if not held and not lost and not similar:
        return f"{head}\n\n{word('history_none', language)}"
    total = len(held) + len(lost)
    counts = word("history_none", language)
    if total:
        tried = f"{total} {word('tried', language)}"
        kept = f"{len(held)} {word('held', language)}, {len(lost)} {word('failed', language)}"
        counts = f"{inert.code(plan.fix_kind)}{colon(language)} {tried}, {kept}"
    return "\n\n".join(part for part in (head, counts, "\n".join(similar)) if part)


def _same(fix_kind: str, failure_class: str, plan: ActionPlan, failure: str) -> bool:
    return fix_kind == plan.fix_kind and failure_class == failure


def _watch(record: ValidatedPlans, language: Language) -> str:
    head = f"## {word('watch', language)}"
    baseline = record.context.baseline
    if not baseline:
        return f"{head}\n\n{word('watch_none', language)}"
    lines = "\n".join(
        f"- {inert.code(name)}: {value:g}" for name, value in sorted(baseline.items())
    )
    return f"{head}\n\n{word('watch_what', language)}\n\n{lines}"


def _footer(record: ValidatedPlans, language: Language, hosts: Collection[str]) -> str:
    environment = record.context.environment
    mode = (
        "no_merge"
        if environment == "production"
        else "auto_merge"
        if record.auto_merge
        else "by_people"
    )
    links = " · ".join(
        _link(name, url)
        for name, url in list(record.context.links.items())[:8]
        if inert.linked(url, hosts)
    )
    lines = ["---", f"{word(mode, language)} {word('footer', language)}"]
    if links:
        lines.append(f"{word('links', language)}{colon(language)} {links}")
    return "\n\n".join(lines)


def commit_message(record: ValidatedPlans, chosen: ValidatedPlan) -> str:
    """Title, blank line, incident. Nothing in it is a trailer or a CI switch."""
    subject = inert.title(chosen.plan.title, 72).replace("[", "(").replace("]", ")")
    return f"K-Fix: {subject}\n\nIncident {record.incident_id}"


def labels(record: ValidatedPlans) -> list[str]:
    """``k-fix``, ``automated``, the severity, ``env::…``, ``team::…``, ``fix::…``."""
    out = ["k-fix", "automated"]
    if record.analysis is not None:
        out.append(record.analysis.severity)
    out.append(f"env::{record.context.environment}")
    team = inert.label(record.context.team)
    return [*out, f"team::{team}"] if team else out


def repeat_note(record: ValidatedPlans, *, language: Language, when: str) -> str:
    """A comment for a later alert of the same incident."""
    alert = inert.prose(record.context.alert_title, 200)
    return f"{word('note_repeat', language)} ({when}): {alert}"

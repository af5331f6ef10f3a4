"""The merge request's text as a reviewer wants it at 3 am: why, the change, numbers, proof, way back. Outside text is inert.

What decides is on the page; what only explains is folded away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from kfix.incident import environments
from kfix.incident.fix_record import Record
from kfix.incident.forge.dialect import Dialect
from kfix.incident.inert import fence, linked
from kfix.texts import in_language, told, told_all
from publish.core import assurance
from publish.core.course import may_merge_itself
from publish.core.differences import differences, shown
from publish.core.markdown import (
    blocks,
    bullets,
    details,
    id_link,
    link,
    numbered,
    paragraph,
    section,
    table,
)
from publish.core.wording import Language, check_name, colon, number, percent, word
from schemas.plans import ActionPlan, Analysis, Evidence
from schemas.validated import ValidatedPlan, ValidatedPlans

#: Characters of a description, also where a forge takes more.
_MAX = 60_000
#: Rows of evidence on the page, and together with what is folded.
_ROWS = 8
_MOST = 25
#: Rows of changed values.
_CHANGES = 15
#: Which of the bundle's pages shows a piece of evidence that has none of its own.
_PAGES = {
    "alert": ("event", "monitor"),
    "monitor": ("monitor",),
    "metric": ("monitor",),
    "log": ("logs",),
}
#: Words for where evidence is from, where the source's own name is another word of ours.
_SOURCES = {"object": "object_source", "history": "earlier"}


@dataclass(frozen=True, slots=True)
class Page:
    """What the text needs besides the record."""

    language: Language
    #: The Markdown of the forge that shows it.
    dialect: Dialect
    #: The incident's page.
    incident_url: str
    #: Hosts that links may lead to, whatever the record says.
    hosts: Collection[str]
    #: Our commit on the branch and the branch it goes into; empty where they are not known yet.
    commit: str = ""
    target: str = ""
    #: How fixes of this kind fared; ``None``: nobody knows.
    history: Record | None = None
    draft: bool = False
    #: The repository says what may be proposed, and this may.
    consented: bool = False
    #: Why the owners of the repository do not let a plan be proposed, by plan id.
    withheld: Mapping[str, str] = field(default_factory=dict)
    #: Environments beside production in which nothing merges by itself.
    protected: Collection[str] = ()


def mr_title(
    record: ValidatedPlans,
    chosen: ValidatedPlan,
    dialect: Dialect,
    *,
    language: Language = "en",
    draft: bool = False,
) -> str:
    """``K-Fix: <plan> (<service or object>)``. No brackets: ``[skip ci]`` works in merge commits too."""
    where = record.context.service or (record.analysis.object.name if record.analysis else "")
    title = told(chosen.plan.title, chosen.plan.title_text, language)
    if where in title:
        where = ""
    text = f"🤖 K-Fix: {_plain(dialect, title, 120)}"
    text = f"{text} ({_plain(dialect, where, 60)})" if where else text
    return dialect.capabilities.draft_prefix + text if draft else text


def _plain(dialect: Dialect, text: str, limit: int) -> str:
    return dialect.title(text, limit).replace("[", "(").replace("]", ")")


def description(record: ValidatedPlans, chosen: ValidatedPlan, page: Page) -> str:
    """The whole text, in Markdown. Links lead to ``page.incident_url`` and to ``page.hosts``, whatever the record says."""
    language, dialect = page.language, page.dialect
    text = blocks(
        word("draft", language) if page.draft else "",
        _why(record, chosen, page),
        _patch(chosen, page),
        _evidence(record, chosen, page),
        _plan(record, chosen, page),
        assurance.proof(chosen.checks, dialect, language, consented=page.consented),
        assurance.place(chosen.proof, dialect, language),
        assurance.rollback(
            record, chosen, dialect, language, commit=page.commit, target=page.target
        ),
        assurance.history(record, chosen.plan, page.history, dialect, language, hosts=page.hosts),
        assurance.watch(record, dialect, language),
        _footer(record, chosen, page),
    )
    longest = min(_MAX, dialect.capabilities.longest_description)
    return text if len(text) <= longest else _cut(text, longest)


def _cut(text: str, longest: int) -> str:
    """The start, with what is unfolded or fenced there closed again."""
    kept = text[:longest].rsplit("\n\n", 1)[0]
    for ticks in ("`" * n for n in range(9, 2, -1)):
        if sum(line.startswith(ticks) for line in kept.splitlines()) % 2:
            kept += f"\n{ticks}"
            break
    still_open = kept.count("<details>") - kept.count("</details>")
    return kept + "\n\n</details>" * still_open + "\n\n…"


def _why(record: ValidatedPlans, chosen: ValidatedPlan, page: Page) -> str:
    context, analysis = record.context, record.analysis
    language, dialect = page.language, page.dialect
    alert = f"> 🔔 {dialect.prose(context.alert_title, 200)}" if context.alert_title else ""
    cause = impact = ""
    if analysis is not None:
        cause = paragraph(
            dialect, told(analysis.root_cause, analysis.root_cause_text, language), 600
        )
        said = told(analysis.estimated_impact, analysis.estimated_impact_text, language)
        impact = paragraph(dialect, said, 200)
    reasons = paragraph(dialect, justification(chosen.plan, language), 800)
    why = " ".join(part for part in (cause, reasons, impact) if part)
    facts = [
        ("incident", id_link(dialect, record.incident_id, page.incident_url)),
        ("service", dialect.code(context.service)),
        ("environment", dialect.code(chosen.proof.environment)),
        ("object", dialect.code(analysis.object.key if analysis else "")),
        ("severity", word(analysis.severity, language) if analysis else "–"),
        ("cause", dialect.code(analysis.failure_class if analysis else "")),
        ("confidence_head", percent(chosen.plan.confidence, language)),
    ]
    line = " · ".join(f"**{word(key, language)}** {value}" for key, value in facts)
    return section(word("why", language), alert, dialect.line(why), line)


def _evidence(record: ValidatedPlans, chosen: ValidatedPlan, page: Page) -> str:
    analysis, language, dialect = record.analysis, page.language, page.dialect
    if analysis is None:
        return ""
    telling, others = _sorted_out(analysis, chosen.plan)
    head = ["#", *(word(key, language) for key in ("observation", "value", "source"))]
    rows = [_row(evidence, record, page) for evidence in (*telling, *others)]
    shown, rest = rows[: min(len(telling), _ROWS)], rows[min(len(telling), _ROWS) : _MOST]
    more = details(dialect, f"{word('more_evidence', language)} ({len(rest)})", table(head, rest))
    unseen = [
        f"{dialect.code(source.name)} {dialect.prose(told(source.reason, source.reason_text, language), 150)}"
        for source in record.context.sources
        if source.state != "ok"
    ]
    missing = f"{word('unseen', language)}{colon(language)} {' · '.join(unseen)}" if unseen else ""
    if not rows and not missing:
        return ""
    return section(word("evidence", language), table(head, shown), more, missing)


def _sorted_out(analysis: Analysis, plan: ActionPlan) -> tuple[list[Evidence], list[Evidence]]:
    """(what speaks for the chosen cause and plan, the rest); all of it where nobody said what speaks for what."""
    ids = {*plan.evidence, *(analysis.hypotheses[0].evidence_for if analysis.hypotheses else ())}
    telling = [e for e in analysis.evidence if e.id in ids] or list(analysis.evidence)
    return telling, [e for e in analysis.evidence if e not in telling]


def _row(evidence: Evidence, record: ValidatedPlans, page: Page) -> list[str]:
    links, dialect = record.context.links, page.dialect
    pages = (evidence.link, *(links.get(name, "") for name in _PAGES.get(evidence.source, ())))
    url = next((found for url in pages if (found := linked(url, page.hosts))), "")
    source = word(_SOURCES.get(evidence.source, evidence.source), page.language)
    value = "–"
    if evidence.value is not None:
        value = dialect.code(number(evidence.value, evidence.unit, page.language))
    return [
        dialect.code(evidence.id, 20),
        dialect.cell(told(evidence.statement, evidence.statement_text, page.language)),
        value,
        f"[{source}]({url})" if url else source,
    ]


def _patch(chosen: ValidatedPlan, page: Page) -> str:
    language, dialect = page.language, page.dialect
    parts = []
    for edit in chosen.edits:
        counts = f"+{edit.added_lines}/−{edit.removed_lines}"
        parts += [f"{dialect.code(edit.path, 500)} {counts}", fence(edit.diff, "diff")]
        said = told_all(edit.located_by, edit.located_by_text, language)
        steps = [dialect.prose(step, 300) for step in said]
        parts.append(details(dialect, word("located", language), numbered(steps)))
    return section(word("patch", language), *parts)


def _plan(record: ValidatedPlans, chosen: ValidatedPlan, page: Page) -> str:
    plan, language, dialect = chosen.plan, page.language, page.dialect
    time = risks = ""
    if plan.estimated_time:
        said = told(plan.estimated_time, plan.estimated_time_text, language)
        time = f"{word('estimated', language)}{colon(language)} {dialect.prose(said, 100)}"
    if plan.risks:
        each = told_all(plan.risks, plan.risks_text, language)
        said = " · ".join(dialect.prose(risk, 300) for risk in each[:10])
        risks = f"{word('risks', language)}{colon(language)} {said}"
    others = alternatives(record, chosen)
    folded = details(
        dialect,
        f"{word('alternatives', language)} ({len(others)})",
        *(
            alternative(at, other, dialect, language, page.withheld.get(other.plan.plan_id, ""))
            for at, other in others
        ),
        word("alternatives_how", language),
    )
    return section(
        word("plan", language),
        f"**{dialect.prose(told(plan.title, plan.title_text, language), 200)}**",
        changes(plan, dialect, language),
        time,
        risks,
        folded if others else "",
    )


def alternatives(record: ValidatedPlans, chosen: ValidatedPlan) -> list[tuple[int, ValidatedPlan]]:
    """The other plans with the numbers that people call them by; numbers do not change when another is chosen."""
    return [
        (at, other)
        for at, other in enumerate(record.plans, 1)
        if other.plan.plan_id != chosen.plan.plan_id
    ]


def changes(plan: ActionPlan, dialect: Dialect, language: Language) -> str:
    """The plan's fields, before and after."""
    found = [
        (change.object.key, difference)
        for change in plan.kubernetes_changes
        for field in change.fields
        for difference in differences(field)
    ]
    rows = [
        [
            dialect.code(key),
            *(dialect.code(one) for one in (d.path, shown(d.before), shown(d.after))),
        ]
        for key, d in found[:_CHANGES]
    ]
    rest = f"… +{len(found) - _CHANGES}" if len(found) > _CHANGES else ""
    whole = [
        f"{word('patch_action' if c.action == 'patch' else c.action, language)} {dialect.code(c.object.key)}"
        for c in plan.kubernetes_changes
        if not c.fields
    ]
    head = [word(key, language) for key in ("object", "field", "before", "after")]
    return blocks(table(head, rows), rest, bullets(whole))


def alternative(
    at: int, other: ValidatedPlan, dialect: Dialect, language: Language, withheld: str = ""
) -> str:
    """One plan that was not chosen: what it would change, and what stopped it. ``withheld``: why its owners do not want it."""
    plan = other.plan
    state = word("accepted", language)
    if not other.accepted:
        named = (check_name(name, language) for name in other.rejected_by)
        state = f"{word('rejected', language)} {', '.join(named)}"
    sure = f"{word('confidence', language)} {percent(plan.confidence, language)}"
    title = dialect.prose(told(plan.title, plan.title_text, language), 200)
    head = f"**{at}. {title}** ({sure}, {state})"
    reasons = [
        f"{check_name(check.name, language)}{colon(language)} "
        f"{dialect.prose(told(check.reason, check.reason_text, language), 300)}"
        for check in other.checks
        if check.name in other.rejected_by
    ]
    if withheld:
        said = dialect.prose(in_language(withheld, language), 300)
        reasons.append(f"{word('consent', language)}{colon(language)} {said}")
    why = dialect.line(dialect.prose(justification(plan, language), 500))
    return blocks(head, why, changes(plan, dialect, language), bullets(reasons))


def justification(plan: ActionPlan, language: Language) -> str:
    """Why this plan, in the reader's language."""
    return told(plan.justification, plan.justification_text, language)


def _footer(record: ValidatedPlans, chosen: ValidatedPlan, page: Page) -> str:
    language, dialect = page.language, page.dialect
    mode = "by_people"
    if environments.protected(chosen.proof.environment):
        mode = "no_merge" if chosen.proof.verdict == "proven" else "no_merge_in_doubt"
    elif may_merge_itself(record, chosen, page.protected) and not page.draft:
        mode = "auto_merge"
    links = [
        link(dialect, word(name, language) if name in ("monitor", "event", "logs") else name, url)
        for name, url in list(record.context.links.items())[:8]
        if linked(url, page.hosts)
    ]
    shown = f"{word('links', language)}{colon(language)} {' · '.join(links)}" if links else ""
    return blocks("---", word(mode, language), shown, word("footer", language))


def commit_message(
    record: ValidatedPlans, chosen: ValidatedPlan, dialect: Dialect, language: Language = "en"
) -> str:
    """Title, blank line, incident. Nothing in it is a trailer or a CI switch."""
    title = told(chosen.plan.title, chosen.plan.title_text, language)
    return f"K-Fix: {_plain(dialect, title, 72)}\n\nIncident {record.incident_id}"


def labels(record: ValidatedPlans, chosen: ValidatedPlan, dialect: Dialect) -> list[str]:
    """``k-fix``, ``automated``, the severity, and scoped ones: state, cause, kind of fix, environment, team."""
    out = ["k-fix", "automated"]
    if record.analysis is not None:
        out.append(record.analysis.severity)
    scoped = {
        "kfix": "proposed",
        "kfix-cause": record.analysis.failure_class if record.analysis else "",
        "kfix-fix": chosen.plan.fix_kind,
        "env": chosen.proof.environment,
        "team": record.context.team,
    }
    kept = {scope: dialect.label(value) for scope, value in scoped.items()}
    between = dialect.capabilities.label_scope
    return [*out, *(f"{scope}{between}{value}" for scope, value in kept.items() if value)]

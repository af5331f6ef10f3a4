"""The merge request's title, text, commit message and labels. Outside text is inert."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from kfix.incident import environments
from kfix.incident.fix_record import FixRecord
from kfix.incident.forge.dialect import Dialect
from kfix.texts import told
from publish.core.pages import rendered
from publish.core.view import attempts_of, view_of
from publish.core.wording import Language
from schemas.identity import attempt_of, branch_of
from schemas.merge_requests import MergeRequestRef
from schemas.validated import ValidatedPlan, ValidatedPlans

#: Characters of a description, also where a forge takes more.
_MAX = 60_000
#: Names of branches that may stand in a command of ours.
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,200}")
_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


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
    history: FixRecord | None = None
    draft: bool = False
    #: The commit is on a newer base than the proof's.
    reapplied: bool = False
    #: The repository says what may be proposed, and this may.
    consented: bool = False
    #: Why the owners of the repository do not let a plan be proposed, by plan id.
    withheld: Mapping[str, str] = field(default_factory=dict)
    #: It may merge without a person once its pipeline has passed.
    alone: bool = False
    #: The record's cluster, where there are several that it may be; else empty.
    cluster: str = ""
    #: Open merge requests that take earlier attempts back, by those attempts' ids.
    reverts: Mapping[str, MergeRequestRef] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """All that a merge request says."""

    title: str
    labels: tuple[str, ...]
    text: str


def written(record: ValidatedPlans, chosen: ValidatedPlan, page: Page) -> Written:
    """The title, the labels and the text."""
    return Written(
        mr_title(
            record,
            chosen,
            page.dialect,
            language=page.language,
            draft=page.draft,
            cluster=page.cluster,
        ),
        tuple(labels(record, chosen, page.dialect)),
        description(record, chosen, page),
    )


def mr_title(
    record: ValidatedPlans,
    chosen: ValidatedPlan,
    dialect: Dialect,
    *,
    language: Language = "en",
    draft: bool = False,
    cluster: str = "",
) -> str:
    """``K-Fix: <plan> (<service or object>, <cluster of several>)``. No brackets: ``[skip ci]`` works in merge commits too."""
    where = record.context.service or (record.analysis.object.name if record.analysis else "")
    title = told(chosen.plan.title, chosen.plan.title_text, language)
    where = ", ".join(part for part in ("" if where in title else where, cluster) if part)
    text = f"🤖 K-Fix: {plain(dialect, title, 120)}"
    text = f"{text} ({plain(dialect, where, 60)})" if where else text
    return dialect.capabilities.draft_prefix + text if draft else text


def plain(dialect: Dialect, text: str, limit: int) -> str:
    """Outside text in a title: no brackets, as ``[skip ci]`` works in merge commits too."""
    return dialect.title(text, limit).replace("[", "(").replace("]", ")")


def description(record: ValidatedPlans, chosen: ValidatedPlan, page: Page) -> str:
    """The whole text, in Markdown. Links lead to ``page.incident_url`` and to ``page.hosts``, whatever the record says."""
    revert, mode = _revert(record.incident_id, page), _mode(chosen, page)
    view = view_of(record, chosen, page.language, page.withheld)
    attempts = attempts_of(record, page.reverts, page.language)
    text = rendered(
        "merge_request",
        page.dialect,
        page.language,
        page=page,
        view=view,
        attempts=attempts,
        number=attempt_of(record.incident_id).number,
        mode=mode,
        revert=revert,
    )
    longest = min(_MAX, page.dialect.capabilities.longest_description)
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


def _mode(
    chosen: ValidatedPlan, page: Page
) -> Literal["by_people", "no_merge", "no_merge_in_doubt", "auto_merge"]:
    """Who merges it, as a key of our words."""
    if environments.protected(chosen.proof.environment):
        return "no_merge" if chosen.proof.verdict == "proven" else "no_merge_in_doubt"
    return "auto_merge" if page.alone and not page.draft else "by_people"


def _revert(incident_id: str, page: Page) -> str:
    """Commands for a revert as a merge request of its own; none where the commit or the branch is no name for a shell.

    They work for merge commits and fast-forwards, which keep our commit.
    """
    if not (_SHA.fullmatch(page.commit) and _BRANCH.fullmatch(page.target)):
        return ""
    return (
        f"git fetch origin && git switch -c revert/{branch_of(incident_id)} origin/{page.target}\n"
        f"git revert --no-edit {page.commit}\n"
        f"{page.dialect.push(page.target)}"
    )


def commit_message(
    record: ValidatedPlans, chosen: ValidatedPlan, dialect: Dialect, language: Language = "en"
) -> str:
    """Title, blank line, incident. Nothing in it is a trailer or a CI switch."""
    title = told(chosen.plan.title, chosen.plan.title_text, language)
    return f"K-Fix: {plain(dialect, title, 72)}\n\nIncident {record.incident_id}"


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


def other_labels(
    record: ValidatedPlans, chosen: ValidatedPlan, dialect: Dialect
) -> tuple[list[str], list[str]]:
    """(labels that this plan has and another one of the record has not, those that others have and this one has not)."""
    mine = labels(record, chosen, dialect)
    theirs = [labels(record, plan, dialect) for plan in record.plans]
    own = [label for label in mine if any(label not in other for other in theirs)]
    others = {label for other in theirs for label in other if label not in mine}
    return own, sorted(others)

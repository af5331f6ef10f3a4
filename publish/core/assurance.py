"""Why a reviewer may trust a merge request: its proof, the way back, how such fixes fared, what is watched afterwards."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from kfix import texts
from kfix.incident.fix_record import Record
from kfix.incident.forge.dialect import Dialect
from kfix.incident.inert import fence, linked
from manifests.text.diffs import reverse
from publish.core.markdown import blocks, bullets, details, id_link, section, table
from publish.core.wording import (
    Language,
    check_name,
    colon,
    has,
    number,
    number_name,
    percent,
    word,
)
from schemas.identity import branch_of
from schemas.places import EnvironmentProof
from schemas.plans import ActionPlan
from schemas.validated import CheckResult, ValidatedPlan, ValidatedPlans

_SIGN = {"pass": "✅", "fail": "❌", "unknown": "❔"}
#: Units of the baseline's measurements.
_UNITS = {
    "cpu_cores": "cores",
    "memory_mib": "MiB",
    "latency_ms": "ms",
    "latency_p95_ms": "ms",
    "error_rate": "ratio",
    "throttled_ratio": "ratio",
}
#: Names of branches that may stand in a command of ours.
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,200}")
_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
#: Characters of the plan's way back; a longer one is left out, as the exact inverse stands below it.
_SENTENCE = 140
#: Numbers of one check on the page.
_NUMBERS = 12
#: Words about the environment on the page.
_STATEMENTS = 20
#: Checks whose numbers a reviewer wants to see, also when all is well.
_TELLING = (
    "resource_quota",
    "limit_range",
    "scaling_ceiling",
    "node_fit",
    "render",
    "server_dry_run",
)


def proof(
    checks: Sequence[CheckResult], dialect: Dialect, language: Language, *, consented: bool = False
) -> str:
    """The verdicts: those that say something at a glance on the page, all of them folded below.

    ``consented``: the owners said what they allow, and this is within it.
    """
    if not checks:
        return ""
    told = [c for c in checks if c.verdict != "pass" or (c.numbers and c.name in _TELLING)]
    rest = [c for c in checks if c not in told]
    folded = details(
        dialect,
        f"{word('all_checks', language)} ({len(checks)})",
        _table(checks, dialect, language),
    )
    return section(
        word("checks", language),
        _counts(checks, language) + (f" · {word('consented', language)}" if consented else ""),
        _table(told, dialect, language),
        folded if rest else "",
    )


def place(proof: EnvironmentProof, dialect: Dialect, language: Language) -> str:
    """Who says in which environment this is: production and doubt at a glance, the words themselves folded."""
    shown = f"**{dialect.code(proof.environment)}**, {word(f'place_{proof.verdict}', language)}"
    head = [word(key, language) for key in ("source", "value", "counts_as", "read_at")]
    rows = [
        [
            word(f"said_by_{one.source}", language),
            dialect.code(one.value, 80),
            dialect.code(one.environment),
            dialect.cell(texts.told(one.where, one.where_text, language)),
        ]
        for one in proof.statements[:_STATEMENTS]
    ]
    more = len(proof.statements) - len(rows)
    rest = f"… +{more}" if more > 0 else ""
    said = blocks(table(head, rows), rest)
    if proof.verdict == "proven":
        said = details(dialect, f"{word('place_sources', language)} ({len(rows)})", said)
    return section(word("place", language), shown, said if rows else "")


def _counts(checks: Sequence[CheckResult], language: Language) -> str:
    counted = {v: sum(c.verdict == v for c in checks) for v in ("pass", "fail", "unknown")}
    words = {"pass": "passed_n", "fail": "failed_n", "unknown": "unknown_n"}
    return " · ".join(
        f"{_SIGN[verdict]} {word(words[verdict], language, n=count)}"
        for verdict, count in counted.items()
        if count
    )


def _table(checks: Sequence[CheckResult], dialect: Dialect, language: Language) -> str:
    head = [word(key, language) for key in ("check", "verdict", "detail", "numbers")]
    return table(head, [_row(check, dialect, language) for check in checks])


def _row(check: CheckResult, dialect: Dialect, language: Language) -> list[str]:
    numbers = [
        f"{dialect.prose(number_name(name, language), 60)} "
        f"{dialect.code(texts.told(value, check.numbers_text.get(name), language), 80)}"
        for name, value in list(check.numbers.items())[:_NUMBERS]
    ]
    return [
        check_name(check.name, language),
        f"{_SIGN[check.verdict]} {word(check.verdict, language)}",
        dialect.cell(texts.told(check.reason, check.reason_text, language)),
        "<br>".join(numbers) or "–",
    ]


def rollback(
    record: ValidatedPlans,
    chosen: ValidatedPlan,
    dialect: Dialect,
    language: Language,
    *,
    commit: str = "",
    target: str = "",
) -> str:
    """What to do when the fix was wrong: the button, commands to copy, the exact inverse."""
    # A long one repeats the fields, which the exact inverse below says better.
    plan = chosen.plan
    told = texts.told(plan.rollback_plan, plan.rollback_plan_text, language)
    back = dialect.prose(told, _SENTENCE) if len(told) <= _SENTENCE else ""
    inverse = "".join(reverse(edit.diff) for edit in chosen.edits)
    known = bool(_SHA.fullmatch(commit) and _BRANCH.fullmatch(target))
    folded = details(
        dialect, word("rollback_inverse", language), fence(inverse, "diff") if inverse else ""
    )
    if not known:
        how = word("rollback_no_commit", language)
        return section(word("rollback", language), dialect.line(back), how, folded)
    commands = fence(_commands(record.incident_id, commit, target, dialect), "sh")
    return section(
        word("rollback", language),
        dialect.line(back),
        word("rollback_button", language),
        commands,
        folded,
    )


def _commands(incident_id: str, commit: str, target: str, dialect: Dialect) -> str:
    """A revert as a merge request of its own. Works for merge commits and fast-forwards, which keep our commit."""
    branch = f"revert/{branch_of(incident_id)}"
    return (
        f"git fetch origin && git switch -c {branch} origin/{target}\n"
        f"git revert --no-edit {commit}\n"
        f"{dialect.push(target)}"
    )


def history(
    record: ValidatedPlans,
    plan: ActionPlan,
    fared: Record | None,
    dialect: Dialect,
    language: Language,
    *,
    hosts: Collection[str],
) -> str:
    """How fixes of this kind ended so far, and the nearest incidents with what was learned."""
    similar = [
        f"{_named(s.incident_id, s.url, dialect, hosts)} {dialect.prose(s.title or s.plan_title, 150)} "
        f"({s.similarity:.2f}, {_result(s.result, language)})"
        + (f"{colon(language)} {dialect.prose(s.lesson, 200)}" if s.lesson else "")
        for s in record.context.similar_incidents[:3]
    ]
    counts = word("history_none", language)
    if fared is not None and (fared.merged or fared.rejected):
        kind = " · ".join(
            dialect.code(part)
            for part in (
                plan.fix_kind,
                record.analysis.failure_class if record.analysis else "",
                plan.workload_kind,
            )
        )
        counted = (
            f"{word('merged_n', language, n=fared.merged)}, {word('held', language, n=fared.held)}, "
            f"{word('rejected_n', language, n=fared.rejected)}"
        )
        chance = f"{percent(fared.mean, language)} ± {percent(fared.deviation, language)}"
        counts = f"{kind}{colon(language)} {counted} · {word('chance', language)} {chance}"
    nearest = f"{word('similar', language)}{colon(language)}\n\n{bullets(similar)}"
    return section(word("history", language), counts, nearest if similar else "")


def _named(incident_id: str, url: str, dialect: Dialect, hosts: Collection[str]) -> str:
    known = linked(url, hosts)
    return id_link(dialect, incident_id, known) if known else dialect.code(incident_id)


def _result(result: str | None, language: Language) -> str:
    if result is None:
        return "–"
    return word("rejected_result" if result == "rejected" else result, language)


def watch(record: ValidatedPlans, dialect: Dialect, language: Language) -> str:
    """What is looked at after the merge, with the values to beat."""
    baseline = record.context.baseline
    rows = [
        [
            word(name, language) if has(name) else dialect.prose(name, 60),
            dialect.code(number(value, _UNITS.get(name, ""), language)),
        ]
        for name, value in sorted(baseline.items())
    ]
    facts = [word(key, language) for key in ("watch_arrived", "watch_deaths", "watch_alert")]
    if rows:
        facts.append(word("watch_signals", language))
    head = [word("signal", language), word("now", language)]
    return section(
        word("watch", language),
        blocks(word("watch_what", language), bullets(facts)),
        table(head, rows),
    )

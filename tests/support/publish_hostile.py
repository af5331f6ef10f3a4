"""Outside text that tries to act, and a record that carries it wherever outside text can be."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from schemas.context import SimilarIncident, SourceStatus
from schemas.next_steps import NextStep
from schemas.plans import Hypothesis
from schemas.validated import ValidatedPlan, ValidatedPlans
from tests.support import publish as sample

ATTACKS = [
    "/merge",
    "\n/approve\n",
    "x\r\n/assign @root",
    "/label ~a",
    "@root",
    "hey @all!",
    "a@b.example",
    "#1",
    "!12",
    "~label",
    "%v1",
    "$5",
    "&9",
    "^alert#1",
    "*iteration:3",
    "![x](https://e.example/x.png)",
    "[x](https://e.example)",
    "<https://e.example>",
    "https://e.example/a?b=c",
    "www.e.example",
    "<img src=x onerror=alert(1)>",
    "<!-- x -->",
    "<details open>",
    "</details></td>",
    "| a | b |",
    "```\n/merge\n```",
    "`@root`",
    "``` @x",
    "~~~\n/close",
    ":smile:",
    "[[_TOC_]]",
    "[TOC]",
    "\u202e/egrem",
    "/\u200bmerge",
    "\u2060/merge",
    "a\u2028/merge",
    "a\x0b/merge",
    "\x00/merge",
    "<!channel>",
    "<@U1>",
    "<#C1|x>",
    "<https://e.example|click>",
    "&lt;!channel&gt;",
    "[click](javascript:alert(1))",
    "1. x",
    "# head",
    "=====",
    "---",
    "- x",
    "> x",
    "+ x",
    "skip [ci skip] x",
    "group/project#1",
    "group/project!2",
    "{- x -}",
    "[x]: https://e.example",
    "{{x}}",
    "$`x`$",
    "\\@root",
    "\\`/merge`",
]
TEXTS = st.one_of(
    st.sampled_from(ATTACKS),
    st.lists(st.one_of(st.sampled_from(ATTACKS), st.text(max_size=8)), max_size=4).map("".join),
    st.text(st.sampled_from("@#!~%$&^*/<>[]()`|\\:. \n\u202eaw1-_=+{}"), max_size=30),
)
#: What GitLab acts on in rendered text, after Markdown and entities are gone.
REFERENCES = re.compile(
    r"(?<![\w])[@#!~%$&][\w\"']|\w[#!~%$&]\d|\w@\w|\^alert#|:\w+:|://|(?i:www\.)\w"
)


def _plan(found: ValidatedPlan, text: str) -> ValidatedPlan:
    plan = found.plan.model_copy(
        update={
            "title": text,
            "justification": text,
            "rollback_plan": text,
            "risks": (text,),
            "estimated_time": text,
            "kubernetes_changes": tuple(
                change.model_copy(
                    update={
                        "object": change.object.model_copy(update={"name": text or "x"}),
                        "fields": tuple(
                            field.model_copy(update={"path": text, "before": text, "after": text})
                            for field in change.fields
                        ),
                    }
                )
                for change in found.plan.kubernetes_changes
            ),
        }
    )
    checks = tuple(
        c.model_copy(update={"reason": text, "numbers": {text: text}}) for c in found.checks
    )
    edits = tuple(
        e.model_copy(update={"located_by": (text,), "path": text or "x"}) for e in found.edits
    )
    return found.model_copy(update={"plan": plan, "checks": checks, "edits": edits})


def poisoned(text: str) -> ValidatedPlans:
    """The sample with an attack in every field that outside text can reach."""
    record = sample.record()
    analysis = record.analysis
    assert analysis is not None
    similar = SimilarIncident(
        incident_id=text, similarity=0.9, title=text, lesson=text, url=text, result="failure"
    )
    context = record.context.model_copy(
        update={
            "service": text,
            "team": text,
            "alert_title": text,
            "links": {text: "https://ok.example/x", "bad": text, "logs": text, "monitor": text},
            "baseline": {text: 1.0},
            "similar_incidents": (similar,),
            "sources": (SourceStatus(name=text, state="missing", reason=text),),
        }
    )
    thing = analysis.object.model_copy(update={"name": text or "x"})
    analysis = analysis.model_copy(
        update={
            "root_cause": text,
            "estimated_impact": text,
            "failure_class": text,
            "object": thing,
            "hypotheses": (
                Hypothesis(
                    failure_class=text,
                    object=thing,
                    root_cause=text,
                    confidence=0.5,
                    evidence_for=("e1", text),
                    evidence_against=(text,),
                ),
            ),
            "evidence": tuple(
                e.model_copy(update={"statement": text, "unit": text, "link": text})
                for e in analysis.evidence
            ),
        }
    )
    plans = tuple(_plan(found, text) for found in record.plans)
    opinion = record.second_opinion.model_copy(
        update={"asked": True, "summary": text, "reason": text}
    )
    return record.model_copy(
        update={
            "context": context,
            "analysis": analysis,
            "plans": plans,
            "explanation": text,
            "second_opinion": opinion,
            "next_steps": (
                NextStep(what=text, command=text, link=text),
                NextStep(what=text, command="kubectl get pods -n shop -o wide"),
            ),
        }
    )

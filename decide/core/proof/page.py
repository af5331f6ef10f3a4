"""The content of ``docs/proof-of-plans.md``: what is asked before a plan is shown, and of each class what that is."""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.families.registry import BUILDERS, CAUSES
from decide.core.taxonomy import CLASSES

_HEAD = """# Proof of plans

Made from `decide/core/families/` (`python -m decide.core.proof`); a test keeps it current.

A rule reads what was observed; a plan edits what is declared. Between the two stands one question of each class: *would this
declaration make the symptom?* It is answered **yes**, **no** or **unknown**, with the reason and its numbers, by a pure
function of the finding's facts and the objects, and asked twice: of the objects as they are, and of the objects as the plan
leaves them (the plan's changes on what is collected, else declared; what was observed of a pod template that the plan changes
is no evidence for the new one).

| before | after | `repairs` | what becomes of the plan |
| --- | --- | --- | --- |
| yes | no | `pass` | ranked by its confidence; may merge by itself where policy lets it |
| any | yes | `fail` | never proposed; where no other is left, a person gets the reason |
| any | unknown | `unknown` | ranked behind as sure a plan that passes; never merges by itself |
| no, unknown | no | `unknown` | the objects did not show the cause, so its absence proves nothing |

Whatever the class says, a plan fails that

- brings a fault that was not there: a Service that loses its last pods, a port's name that no container has, a reference to
  what is not there, a quota that refuses the whole rollout, a policy that stops a known connection, a heap above its limit;
- opens access that nobody asked for (`privileged`, `hostPID`, `hostPath`, added capabilities, root, wider roles, a policy that
  selects less), or takes away an object;
- leaves a field empty that the API requires, or every object as it is;
- brings back what failed before: the template of a revision whose pods fail or that was in force in this trouble, the very
  difference by which such a one left one that worked, or the value that a commit exchanged when the trouble was there already.

What loosens a scheduler's requirement, or runs fewer replicas, says what it gives up, comes after every plan that keeps it, is named so by `fix_policy`,
and never merges by itself.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_after(), "## What is asked", "", *_table()]) + "\n"


def _after() -> Iterator[str]:
    yield "## Then asked again"
    yield ""
    yield (
        "The faults that declarations alone show are asked of the state after the plan, at the subject and at what it needs."
    )
    yield (
        "What a class of the family can mend safely is added to the plan (at most six changes, each proven by itself), in"
    )
    yield (
        "order; what it cannot is named in the merge request, on the incident's page and in chats as what remains. Trouble"
    )
    yield "of other workloads is never mended in the subject's name. A plan that leaves something is `unknown`: its cause is gone,"
    yield "its subject is not well. So is one of a StatefulSet that makes its pods in order, while one of them fails: the controller waits"
    yield "for that pod, and somebody has to delete it."
    yield ""


def _table() -> Iterator[str]:
    yield "| class | asked of the objects |"
    yield "| --- | --- |"
    for class_id in CLASSES:
        if class_id in CAUSES:
            yield f"| `{class_id}` | {CAUSES[class_id].asks} |"


def without_question() -> list[str]:
    """Classes that have plans and no question."""
    planned = (k for k, entry in CLASSES.items() if entry.plans or k in BUILDERS)
    return [class_id for class_id in planned if class_id not in CAUSES]

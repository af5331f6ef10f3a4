"""What other stages say is French where people read French."""

from __future__ import annotations

from typing import get_args

import pytest

from kfix.incident import environments
from kfix.incident.redaction import mask
from kfix.infra.clients.kubernetes.lock import proof_of
from kfix.infra.forges.gitlab.dialect import DIALECT
from kfix.texts import Language, in_language, say, told
from learn.core.judgement import WorkloadState, judge
from manifests import EditRefused, NotEditable, propose
from manifests.objects import quantities
from manifests.text import guards, read
from publish.core import description, notes, slack
from publish.core.notice import notice_of
from publish.core.wording import check_name
from safety.core.validation import manifest_edit
from schemas.errors import Unavailable
from schemas.outcomes import Outcome
from schemas.places import EnvironmentProof
from schemas.plans import SecondOpinion
from schemas.text import sentence_of
from schemas.validated import CheckName, CheckResult
from tests.support import publish as sample


def _deployment(about: dict[str, object], template: dict[str, object] | None = None) -> object:
    metadata = {"name": "checkout", "namespace": "shop", **about}
    spec = {"template": {"metadata": template or {}}}
    return {"kind": "Deployment", "metadata": metadata, "spec": spec}


def test_every_check_has_a_name_for_people() -> None:
    for name in get_args(CheckName):
        english, french_name = check_name(name, "en"), check_name(name, "fr")
        assert "`" not in english + french_name, name


def test_how_a_line_was_found_is_said_in_french() -> None:
    edits = propose(
        sample.FILES, [sample.change("900m")], environment="production", project="p", ref="main"
    )
    assert not isinstance(edits, EditRefused)
    [edit] = edits
    assert len(edit.located_by_text) == len(edit.located_by) > 0
    for step, text in zip(edit.located_by, edit.located_by_text, strict=True):
        assert told(step, text, "fr") != step
        assert told(step, text, "en") == step


@pytest.mark.parametrize(
    "state",
    [
        WorkloadState(arrived=False),
        WorkloadState(True, 3, 2, 0),
        WorkloadState(True, 3, 2, 0, ("ImagePullBackOff",)),
        WorkloadState(True, 3, 3, 1),
        WorkloadState(True, 3, 3, 4, ("OOMKilled",)),
        WorkloadState(True, 3, 3, 0),
        WorkloadState(),
    ],
)
@pytest.mark.parametrize("after", [0.01, 0.4, 0.9])
def test_what_was_found_after_a_merge_is_said_in_french(state: WorkloadState, after: float) -> None:
    before = {"throttled_ratio": 0.42, "error_rate": 0.1}
    now = {"throttled_ratio": after, "error_rate": after}
    for failure in ("cpu_throttling", "oom_killed"):
        found = judge(failure, state, before, now).explanation
        french = in_language(found, "fr")
        assert french != found
        for english in ("pods are", "Containers", "not better", "before", "measured", "_"):
            assert english not in french


def test_an_outcome_is_told_in_the_readers_language() -> None:
    found = judge(
        "oom_killed", WorkloadState(True, 2, 2, 0), {"cpu_cores": 1.5}, {"cpu_cores": 0.5}
    )
    outcome = Outcome(
        event_id="o", occurred_at=sample.NOW, incident_id="i", fingerprint="f", result="success",
        failure_class="oom_killed", object=sample.OBJECT, explanation=found.explanation,
    )  # fmt: skip
    french = notes.ended(outcome, DIALECT, "fr").replace("\\", "")
    assert "2 pods prêts sur 2" in french
    assert "CPU utilisé 1,5 → 0,5 cœurs" in french
    old = outcome.model_copy(update={"explanation": str(found.explanation)})
    assert "2 of 2 pods are ready" in notes.ended(old, DIALECT, "fr")


def test_a_refusal_keeps_its_code_and_its_file() -> None:
    [document] = read.read("# kfix: ignore\na: 1\n")
    with pytest.raises(NotEditable) as raised:
        guards.check_document("# kfix: ignore\na: 1\n", document)
    refused = EditRefused(
        "IGNORED", say("manifests.about", what="apps/a.yaml", why=raised.value.reason)
    )
    check = manifest_edit(refused)
    assert check.reason == (
        "IGNORED: apps/a.yaml: a comment asks K-Fix to leave the document alone"
    )
    assert told(check.reason, check.reason_text, "fr") == (
        "IGNORED : apps/a.yaml : un commentaire demande à K-Fix de ne pas toucher au document"
    )


@pytest.mark.parametrize(
    "text", ["", "something else", "x" * 100_000, "no quota applies", "/merge"]
)
def test_a_sentence_without_its_text_is_left_as_it_was(text: str) -> None:
    check = CheckResult(name="schema", verdict="fail", reason=text)
    assert told(check.reason, check.reason_text, "fr") == text


@pytest.mark.parametrize(
    ("objects", "where", "french_where"),
    [
        (
            {"deployments": [_deployment({"labels": {"a.b/env": "prod"}})]},
            "label a.b/env of Deployment/shop/checkout",
            "label a.b/env, Deployment/shop/checkout",
        ),
        (
            {"namespaces": [{"metadata": {"name": "shop", "annotations": {"env": "prod"}}}]},
            "annotation env of Namespace/shop",
            "annotation env, Namespace/shop",
        ),
        (
            {"deployments": [_deployment({}, {"labels": {"env": "prod"}})]},
            "label env of Deployment/shop/checkout's template",
            "label env, modèle de Deployment/shop/checkout",
        ),
    ],
)
def test_where_an_environment_was_read_is_said_in_french(
    objects: dict[str, list[object]], where: str, french_where: str
) -> None:
    proof = environments.judge(environments.of_objects(objects, [sample.OBJECT]))
    assert french_where in _shown(proof, "fr")
    assert where in _shown(proof, "en")


def _shown(proof: EnvironmentProof, language: Language) -> str:
    """The page of a plan for that environment, without what makes values code."""
    record = sample.record()
    chosen = record.plans[0].model_copy(update={"proof": proof})
    page = description.Page(
        dialect=DIALECT, language=language, incident_url="https://k.example/i", hosts=()
    )
    return description.description(record, chosen, page).replace("\\", "").replace("`", "")


@pytest.mark.parametrize("answer", [None, Unavailable("no answer", reason="down")])
def test_why_plans_are_not_examined_without_the_lock_is_read_whole_in_both_languages(
    answer: Unavailable | None,
) -> None:
    proven = proof_of(answer)
    state = say("safety.lock.unlocked") if answer is None else say("safety.lock.unknown")
    text = say("safety.lock.shut_out", state=state, why=proven.why)
    assert mask(text) == text
    assert text.startswith(f"plans are not examined while the cluster's lock is {proven.state}: ")
    assert "verrou du cluster" in in_language(text, "fr")
    assert "the cluster" not in in_language(text, "fr")


def test_what_is_no_quantity_is_told_in_french() -> None:
    with pytest.raises(quantities.BadQuantity) as failure:
        quantities.parse("1 Gi")
    said = sentence_of(failure.value)
    assert said == "not a quantity: '1 Gi'"
    assert in_language(said, "fr") == "ce n'est pas une quantité : '1 Gi'"


@pytest.mark.parametrize(
    ("language", "service", "environment"),
    [
        ("en", "*Service:* ", "*Environment:* unknown"),
        ("fr", "*Service :* ", "*Environnement :* inconnu"),
    ],
)
def test_a_card_has_the_colon_of_its_language_and_no_english_environment(
    language: Language, service: str, environment: str
) -> None:
    record = sample.record()
    context = record.context.model_copy(update={"environment": "unknown"})
    notice = notice_of(
        record.model_copy(update={"context": context}),
        None,
        kind="declined",
        language=language,
        mr_url="",
        console_url="https://kfix.example.com",
    )
    texts = [field["text"] for field in slack.blocks(notice)[1]["fields"]]  # type: ignore[index,union-attr,call-overload]  # the facts
    assert texts[1].startswith(service)
    assert environment in texts
    assert (" :" in slack.summary(notice).replace("\u202f", " ")) == (language == "fr")


@pytest.mark.parametrize(
    ("verdict", "french"),
    [("agreed", "d'accord avec les règles"), ("failed", "sans réponse"), ("new", "new")],
)
def test_what_became_of_a_second_opinion_is_told_in_french(verdict: str, french: str) -> None:
    record = sample.record()
    opinion = SecondOpinion(asked=True, verdict=verdict, summary="because")
    record = record.model_copy(update={"second_opinion": opinion})
    told_fr = notes.explain(record, record.plans[0], DIALECT, "fr")
    assert f"`{french}` because" in told_fr
    assert f"`{verdict}` because" in notes.explain(record, record.plans[0], DIALECT, "en")

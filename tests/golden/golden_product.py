"""All that the digests know of the product, in one place: what moves in the product is followed here."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
import yaml
from typer.main import get_command

ROOT = Path(__file__).resolve().parents[2]

from decide import core as decide_core  # noqa: E402
from decide.adapters.playbooks import load_playbooks  # noqa: E402
from enrich.adapters.capture import read_capture  # noqa: E402
from kfix.cli import COMMANDS  # noqa: E402
from kfix.cli.settings import page as settings_page  # noqa: E402
from kfix.engine import topics  # noqa: E402
from kfix.engine.wire.files import generated  # noqa: E402
from kfix.incident.fix_record import FixRecord  # noqa: E402
from kfix.infra.forges.gitlab.dialect import DIALECT  # noqa: E402
from kfix.offline import diagnose  # noqa: E402
from publish.core import description, notes, said, slack, teams  # noqa: E402
from publish.core.notice import notice_of, steps_of  # noqa: E402
from publish.core.wording import Language  # noqa: E402
from safety.adapters.schemas import PublishedSchemas  # noqa: E402
from safety.core import Policy  # noqa: E402
from safety.service.validation import examine_offline  # noqa: E402
from schemas.context import ContextBundle  # noqa: E402
from schemas.plans import CandidatePlans, SecondOpinion  # noqa: E402
from schemas.validated import ValidatedPlans  # noqa: E402
from tests.support import publish as sample  # noqa: E402
from tests.support.decide.catalogue import FAULTS  # noqa: E402
from tests.support.decide.clusters import Cluster  # noqa: E402
from tests.support.publish_hostile import ATTACKS, poisoned  # noqa: E402

CASES = ROOT / "tests/corpus/cases"
LANGUAGES: tuple[Language, ...] = ("en", "fr")
_COMMIT = "0123456789abcdef0123456789abcdef01234567"
_CONSOLE = "https://kfix.example.com"
#: Kinds that controllers write, or that no repository declares.
_NOT_DECLARED = ("pods", "replicasets", "events", "endpoints", "nodes", "secrets")
_PLAYBOOKS = load_playbooks("")
_SCHEMAS = PublishedSchemas()

__all__ = ["ATTACKS", "CASES", "FAULTS", "LANGUAGES", "ROOT", "poisoned", "sample"]


def broken(name: str, seed: int) -> tuple[ContextBundle, dict[str, bytes]]:
    """A made-up company with one fault: its evidence, and a repository that declares what runs."""
    cluster = Cluster(seed)
    for _ in range(4):
        cluster.app()
    FAULTS[name](cluster, cluster.app())
    return cluster.bundle(), _repository(cluster)


def _repository(cluster: Cluster) -> dict[str, bytes]:
    declared = {(o.get("kind"), o["metadata"]["name"]): o for o in cluster.declared}
    files = {}
    for plural, items in cluster.objects.items():
        for item in () if plural in _NOT_DECLARED else items:
            name = item["metadata"]["name"]
            shown = declared.get((item.get("kind"), name), item)
            if "kind" in shown:
                body = {"apiVersion": "v1", **{k: v for k, v in shown.items() if k != "status"}}
                text = yaml.safe_dump(body, sort_keys=False)
                files[f"apps/{plural}/{name}.yaml"] = text.encode()
    return files


def captured(name: str) -> tuple[ContextBundle, dict[str, bytes]]:
    """A captured case of the corpus: its evidence and its repository."""
    case = diagnose.case_of(CASES / name)
    capture = read_capture(case.dump, case.repository, case.folder)
    return diagnose.bundle_of(case, capture), dict(capture.files)


def decided(bundle: ContextBundle, language: Language) -> CandidatePlans:
    """What decide writes."""
    verdict = decide_core.diagnose(bundle, language=language, playbooks=_PLAYBOOKS)
    return decide_core.candidate(
        bundle,
        verdict,
        incident_id="inc-0123456789abcdef",
        fingerprint=decide_core.fingerprint_of(bundle, verdict),
        role="first",
        said=SecondOpinion(),
        language=language,
    )


def examined(candidate: CandidatePlans, files: Mapping[str, bytes]) -> ValidatedPlans:
    """What safety makes of it, with no server to ask."""
    return examine_offline(candidate, files or None, Policy(), _SCHEMAS)


def told(record: ValidatedPlans, language: Language) -> str:
    """All that publish says to people about a record: merge request, comments, chats."""
    chosen = next((p for p in record.plans if p.plan.plan_id == record.recommended), None)
    parts: list[Any] = []
    if chosen is not None and chosen.edits:
        page = description.Page(
            dialect=DIALECT,
            language=language,
            incident_url=f"{_CONSOLE}/incidents/{record.incident_id}",
            hosts={"app.datadoghq.eu", "kfix.example.com"},
            commit=_COMMIT,
            target="main",
            history=FixRecord(0.86, 0.09, 12, 11, 1),
        )
        parts += [
            description.mr_title(record, chosen, DIALECT, language=language),
            description.description(record, chosen, page),
            description.commit_message(record, chosen, DIALECT, language),
            description.labels(record, chosen, DIALECT),
        ]
    if chosen is not None:
        parts.append(notes.explain(record, chosen, DIALECT, language))
    parts += [
        notes.repeat(
            record,
            DIALECT,
            language=language,
            at=record.occurred_at,
            steps=steps_of(record, language),
        ),
        said.rejections(record, language),
        *(notes.refused(plan, DIALECT, language) for plan in record.plans),
    ]
    notice = notice_of(
        record,
        chosen,
        kind="opened" if chosen is not None else "declined",
        language=language,
        mr_url="https://gitlab.example.com/mr/1" if chosen is not None else "",
        console_url=_CONSOLE,
        explanation=record.explanation,
    )
    parts += [slack.summary(notice), slack.blocks(notice), teams.message(notice)]
    return "\n".join(str(part) for part in parts)


def avro() -> Iterator[tuple[str, str]]:
    """Each topic's name and its schema as a file."""
    for topic in topics.ALL:
        yield topic.name, generated(topic)


def settings_text() -> str:
    """The page of all settings."""
    return settings_page()


def command_line() -> dict[str, Any]:
    """The command tree: names, options, defaults, help."""
    app = typer.Typer(name="kfix", no_args_is_help=True, add_completion=False)
    for name in COMMANDS:
        importlib.import_module(f"kfix.cli.{name}").register(app)
    return _described(get_command(app))


def _described(command: Any) -> dict[str, Any]:
    return {
        "name": command.name,
        "help": command.help,
        "parameters": [
            [p.name, list(p.opts), str(p.default), bool(p.required), getattr(p, "help", None)]
            for p in command.params
        ],
        "commands": [
            _described(found) for _, found in sorted(getattr(command, "commands", {}).items())
        ],
    }

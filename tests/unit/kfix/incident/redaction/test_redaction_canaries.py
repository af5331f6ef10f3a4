"""Secrets planted wherever evidence comes from, the whole chain run over them in one process, every sink searched.

The one place where a secret of the deployment repository may still stand is the edited file itself, which is committed
as it is; it travels in ``plans.validated`` and nobody shows it.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import io
import logging
import random
import string
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import text

from console.adapters.pages import Pages
from console.adapters.sql import SqlProjection
from console.core.output import complete
from decide import core as decide_core
from decide.core.question import parse_prompt
from enrich.adapters.capture import read_capture
from enrich.core.bundle import GatheredEvidence, Recalled, Rules, assemble, completed
from kfix.engine.topics import BY_MODEL
from kfix.engine.wire.codec import RecordCodec
from kfix.infra.forges.gitlab.dialect import DIALECT
from kfix.infra.settings import Kafka
from kfix.infra.store.engine import open_store
from kfix.infra.telemetry import logs as telemetry
from kfix.offline.diagnose import case_of
from publish.core import slack, teams
from publish.core.description import Page, commit_message, description, mr_title
from publish.core.notice import notice_of
from publish.service.notify import proposal
from safety.adapters.schemas import PublishedSchemas
from safety.core import Policy
from safety.service.validation import examine_offline
from schemas.alerts import Alert, FiredRule, RawAlert
from schemas.base import Record
from schemas.context import (
    Change,
    ContextBundle,
    LogExcerpt,
    Monitor,
    Pattern,
    Series,
    SimilarIncident,
    SourceStatus,
)
from schemas.feedback import Feedback
from schemas.merge_requests import MergeRequestEvent
from schemas.plans import SecondOpinion
from schemas.validated import ValidatedPlans

CASES = Path(__file__).parents[4] / "corpus" / "cases"
PROMPTS = Path(sys.modules["decide"].__file__ or "").parent / "prompts"
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
_ALNUM = string.ascii_letters + string.digits


class Planter:
    """Makes secrets of many shapes and remembers all of them."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self.secrets: list[str] = []
        self._shapes: Iterator[Callable[[], str]] = iter(())

    def _word(self, length: int, alphabet: str = _ALNUM) -> str:
        return "".join(self._rng.choice(alphabet) for _ in range(length))

    def secret(self) -> str:
        """A password nobody could tell by its form."""
        return self._kept(self._word(self._rng.randint(9, 20)) + "q7")

    def _kept(self, secret: str) -> str:
        self.secrets.append(secret)
        return secret

    def text(self) -> str:
        """A text with a secret in it, each time of the next shape."""
        shape = next(self._shapes, None)
        if shape is None:
            self._shapes = iter(self._all())
            shape = next(self._shapes)
        return shape()

    def _all(self) -> list[Callable[[], str]]:
        named = (
            "password={}",
            "DB_PASSWORD={} started",
            "spring.datasource.password: {}",
            '{{"user":"app","password":"{}"}}',
            "postgres://app:{}@db:5432/orders",
            "Server=db;User Id=sa;Password={};Encrypt=true",
            "app:{}@tcp(mysql:3306)/orders",
            "mysql --password {} -h db",
            '{{"name":"SMTP_PASSWORD","value":"{}"}}',
            "curl -u admin:{} http://x",
            "CLIENT_SECRET={}",
            "level=debug apiKey={} sent",
            '"dd-application-key":"{}"',
            "auth_token={}",
            "Authorization: Bearer {}",
            "X-Api-Key: {}",
            "https://hook.example/in?token={}",
            "Cookie: session={}",
            "AccountKey={};EndpointSuffix=core",
        )
        prefixed = (
            lambda: "AKIA" + self._word(16, string.ascii_uppercase + string.digits),
            lambda: "glpat-" + self._word(20),
            lambda: "ghp_" + self._word(36),
            lambda: "xoxb-" + self._word(12, string.digits) + "-" + self._word(24),
            lambda: "sk_live_" + self._word(24),
            lambda: "hvs." + self._word(24),
            lambda: "eyJ" + self._word(20) + ".eyJ" + self._word(30) + "." + self._word(20),
            lambda: "AIza" + self._word(35),
        )
        return [
            *(lambda form=form: form.format(self.secret()) for form in named),  # type: ignore[misc]
            *(lambda make=make: f"using {self._kept(make())} failed" for make in prefixed),  # type: ignore[misc]
        ]


def planted_alert(planter: Planter, alert: Alert) -> Alert:
    said = {
        name: f"{getattr(alert, name)} {planter.text()}"
        for name in ("title", "body", "logs_sample", "severity", "host")
    }
    tags = {**alert.labels, "note": planter.text(), "deploy_token": planter.secret()}
    rule = FiredRule(id="7", query=planter.text(), metric=planter.text(), group=planter.text())
    more = {
        "labels": tags,
        "rule": rule,
        "links": {"snapshot": planter.text()},
        "details": {"status": planter.text()},
        "anomalies": (planter.text(),),
    }
    return alert.model_copy(update={**said, **more})


def planted_objects(planter: Planter, objects: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Secrets in annotations, env, arguments, probes, configuration, Secrets, conditions and events."""
    found = copy.deepcopy(objects)
    for kind, items in found.items():
        for item in items:
            item.setdefault("metadata", {}).setdefault("annotations", {})["note"] = planter.text()
            if kind == "events":
                item["message"] = f"{item.get('message', '')} {planter.text()}"
            _plant_in_workload(planter, item)
    found.setdefault("configmaps", []).append(
        {
            "kind": "ConfigMap",
            "metadata": {"name": "c"},
            "data": {"app.properties": f"a=1\n{planter.text()}\n", "db.password": planter.secret()},
        }
    )
    hidden = base64.b64encode(planter.secret().encode()).decode()
    planter.secrets.append(hidden)
    applied = f'{{"data":{{"user":"{hidden}"}}}}'
    found.setdefault("secrets", []).append(
        {
            "kind": "Secret",
            "metadata": {
                "name": "s",
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied},
            },
            "data": {"user": hidden},
            "stringData": {"x": planter.secret()},
        }
    )
    return found


def _plant_in_workload(planter: Planter, item: dict[str, Any]) -> None:
    spec = item.get("spec") or {}
    pod = (spec.get("template") or {}).get("spec") or spec
    for container in pod.get("containers") or ():
        container["env"] = [
            *(container.get("env") or ()),
            {"name": "DB_PASSWORD", "value": planter.secret()},
            {"name": "DATABASE_URL", "value": f"mysql://app:{planter.secret()}@db/x"},
        ]
        container["args"] = [*(container.get("args") or ()), "--api-key", planter.secret()]
    for condition in (item.get("status") or {}).get("conditions") or ():
        condition["message"] = planter.text()


def planted_manifest(planter: Planter, raw: bytes) -> bytes:
    """Secrets beside what a fix changes: an env entry, a comment, an annotation."""
    lines = []
    for line in raw.decode().split("\n"):
        lines.append(line)
        if line.strip() == "resources:":
            at = line[: line.index("resources:")]
            lines[-1:] = [
                f"{at}env:",
                f"{at}- name: DB_PASSWORD",
                f"{at}  value: {planter.secret()}",
                line,
            ]
        elif line.strip() in ("requests:", "limits:"):
            lines[-1] = f"{line} # {planter.text()}"
    return "\n".join(lines).encode()


class Sinks:
    """Everything that leaves, by name."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def put(self, name: str, value: str | bytes) -> None:
        told = value.decode() if isinstance(value, bytes) else value
        self.texts[name] = self.texts.get(name, "") + "\n" + told

    def leaks(self, secrets: list[str]) -> list[tuple[str, str]]:
        return [
            (name, secret)
            for name, told in self.texts.items()
            for secret in secrets
            if secret in told
        ]


def evidence(planter: Planter, case: str) -> tuple[RawAlert, ContextBundle, dict[str, bytes]]:
    """A case of the corpus with secrets in all that was captured of it, as enrich hands it on."""
    found = case_of(CASES / case)
    capture = read_capture(found.dump, found.repository, found.folder)
    namespace = next(p["metadata"]["namespace"] for p in capture.objects["pods"])
    alert = planted_alert(
        planter,
        Alert(
            title="Pods are not ready",
            state="firing",
            labels={"kube_namespace": namespace, "env": "staging"},
            happened_at=NOW,
            rule=FiredRule(id="7"),
        ),
    )
    body = f"the delivery as it came: {planter.text()}".encode()
    raw = RawAlert(
        event_id="dd-1", trace_id="t", occurred_at=NOW, body_sha256="0" * 64, body=body, alert=alert
    )
    logs = [
        log.model_copy(
            update={"lines": (*(f"{line} {planter.text()}" for line in log.lines), planter.text())}
        )
        for log in capture.logs
    ]
    logs += [
        LogExcerpt(
            source="datadog",
            service="web",
            lines=tuple(f"ERROR {planter.text()}" for _ in range(40)),
        )
    ]
    files = {path: planted_manifest(planter, content) for path, content in capture.files.items()}
    bundle = assemble(
        GatheredEvidence(
            alert=alert,
            delivery_id="d",
            received_at=NOW,
            trace_id="t",
            monitor=Monitor(
                rule_id="7",
                name=planter.text(),
                message=planter.text(),
                query=planter.text(),
                history=(planter.text(),),
                tags=(f"note:{planter.text()}",),
            ),
            objects=planted_objects(planter, capture.objects),
            logs=tuple(logs),
            metrics=(Series(metric="cpu", query=planter.text(), tags={"a": planter.text()}),),
            commits=(
                Change(
                    kind="commit",
                    author="ada",
                    summary=planter.text(),
                    detail={"diff": f"+ {planter.text()}"},
                ),
            ),
            declared=tuple(
                d.model_copy(update={"object": {**d.object, "note": planter.text()}})
                for d in capture.declared
            ),
            extra={"kubectl describe": planter.text(), "root_password": planter.secret()},
            links={"monitor": f"https://app.example/m?token={planter.secret()}"},
        ),
        Rules(),
    )
    recalled = Recalled(
        similar=(
            SimilarIncident(
                incident_id="inc-0", similarity=0.9, lesson=planter.text(), title=planter.text()
            ),
        ),
        lessons=(planter.text(),),
        failed=(
            Pattern(
                incident_id="inc-0",
                failure_class="x",
                fix_kind="y",
                result="failure",
                summary=planter.text(),
            ),
        ),
    )
    down = SourceStatus(name="gitlab", state="missing", reason=f"503 from {planter.text()}")
    return raw, completed(bundle, recalled, [down], Rules()), files


def decided(sinks: Sinks, bundle: ContextBundle, files: dict[str, bytes]) -> list[Record]:
    """decide, safety and publish over the bundle; prompts, texts and cards go to ``sinks``."""
    verdict = decide_core.diagnose(bundle)
    for path in sorted(PROMPTS.rglob("*.md")):
        prompt = parse_prompt(path.read_text(), path.stem)
        question = decide_core.question_about(bundle, verdict, prompt)
        sinks.put("model", f"{question.system}\n{question.user}")
    candidate = decide_core.candidate(
        bundle,
        verdict,
        incident_id="inc-1",
        fingerprint=decide_core.fingerprint_of(bundle, verdict),
        role="first",
        said=SecondOpinion(),
    )
    record = examine_offline(candidate, files, Policy(), PublishedSchemas())
    chosen = next((p for p in record.plans if p.plan.plan_id == record.recommended), None)
    for language in ("en", "fr"):
        page = Page(
            language, DIALECT, "https://kfix.example/incidents/inc-1", frozenset({"kfix.example"})
        )  # type: ignore[arg-type]
        for plan in record.plans:
            sinks.put(
                "merge request", mr_title(record, plan, DIALECT) + description(record, plan, page)
            )
            sinks.put("commit", commit_message(record, plan, DIALECT))
        notice = notice_of(
            record,
            chosen,
            kind="opened" if chosen else "declined",
            language=language,
            mr_url="",
            console_url="https://kfix.example",
            explanation=record.explanation,
        )  # type: ignore[arg-type]
        for form in (
            slack.blocks(notice),
            slack.summary(notice),
            teams.message(notice),
            teams.legacy(notice),
        ):  # type: ignore[attr-defined]
            sinks.put("chat", repr(form))
    opened = MergeRequestEvent(
        event_id="mr-1",
        trace_id="t",
        occurred_at=NOW + timedelta(minutes=1),
        incident_id="inc-1",
        action="opened",
        proposal=proposal(record, chosen) if chosen else None,
    )
    return [candidate, record, opened]


def without_files(record: Record) -> Record:
    """The record without the edited file and its diff as ``git apply`` takes it."""
    if not isinstance(record, ValidatedPlans):
        return record
    plans = [
        p.model_copy(
            update={"edits": tuple(e.model_copy(update={"after": "", "diff": ""}) for e in p.edits)}
        )
        for p in record.plans
    ]
    return record.model_copy(update={"plans": tuple(plans)})


async def shown(sinks: Sinks, tmp_path: Path, records: list[Record]) -> None:
    """The console: what it stores, its pages in both languages, its JSON."""
    engine = open_store(f"sqlite:///{tmp_path / 'console.db'}")
    projection = SqlProjection(engine)
    for record in records:
        await projection.keep(BY_MODEL[type(record)].name, record)
    story = await projection.story("inc-1")
    assert story is not None
    for language in ("en", "fr"):
        sinks.put("page", Pages(language).incident(story, refresh=0, thanks=False))
    sinks.put("json", repr(complete(story)))
    sinks.put(
        "list",
        Pages("en").listing(await projection.listed(where={}, limit=9, offset=0), {}, 0, False),
    )
    with engine.connect() as connection:
        for table in ("incident_records",):
            sinks.put("sql", repr(connection.execute(text(f"SELECT * FROM {table}")).all()))
    engine.dispose()


def logged(sinks: Sinks, planter: Planter) -> None:
    """Log lines of ours, of foreign libraries, and of an exception."""
    said = io.StringIO()
    root, level = logging.getLogger(), logging.getLogger().level
    handlers, configuration = root.handlers[:], structlog.get_config()
    try:
        with redirect_stderr(said):
            telemetry.configure()
            for _ in range(27):
                structlog.get_logger().info(
                    "x.y", reason=planter.text(), deep={"a": [planter.text()]}
                )
                logging.getLogger("foreign").error("it said %s", planter.text())
            try:
                raise ValueError(planter.text())
            except ValueError:
                structlog.get_logger().exception("x.failed")
    finally:
        root.handlers[:], _ = handlers, root.setLevel(level)
        structlog.configure(**configuration)
    assert "x.failed" in said.getvalue()
    sinks.put("logs", said.getvalue())


@pytest.mark.parametrize(
    "case", ["oom-killed", "database-credentials-invalid", "liveness-probe-port"]
)
def test_no_secret_reaches_any_sink(case: str, tmp_path: Path) -> None:
    planter, sinks = Planter(20261124), Sinks()
    raw, bundle, files = evidence(planter, case)
    records = [bundle, *decided(sinks, bundle, files)]
    note = MergeRequestEvent(
        event_id="gl-1",
        trace_id="t",
        occurred_at=NOW + timedelta(minutes=2),
        incident_id="inc-1",
        action="note",
        actor="ada",
        text=planter.text(),
        feedback=Feedback(author="ada", text=planter.text()),
    )
    asyncio.run(shown(sinks, tmp_path, [raw, *records, note]))
    logged(sinks, planter)
    codec = RecordCodec(Kafka(_env_file=None, format="json"))
    for record in records:
        sinks.put(BY_MODEL[type(record)].name, codec.encode(without_files(record)))
    assert len(planter.secrets) >= 200
    assert {"model", "chat", "page", "sql", "logs", "context.bundle"} <= set(sinks.texts)
    assert ("merge request" in sinks.texts) == (case != "database-credentials-invalid")
    assert sinks.leaks(planter.secrets) == []
    assert sum(told.count("[masked:") for told in sinks.texts.values()) > 200


def test_the_search_finds_what_is_not_masked() -> None:
    planter, sinks = Planter(1), Sinks()
    sinks.put("a sink", planter.text())
    assert sinks.leaks(planter.secrets) == [("a sink", planter.secrets[0])]

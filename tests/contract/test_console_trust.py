"""Figures of trust in the console: out of the store, on the page, as JSON and as metrics."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result
from sqlalchemy import Engine, delete, select
from typer import Typer
from typer.testing import CliRunner

from console.adapters.sql import SqlProjection
from console.adapters.web import build_app
from console.ports import ConsolePorts
from console.settings import Console
from kfix.cli.trust import register
from kfix.engine.topics import BY_MODEL
from kfix.incident.trust.figures import ModelPrice, TrustFigures
from kfix.incident.trust.intervals import Rate
from kfix.infra.store.console_tables import trust_facts
from kfix.infra.store.engine import open_engine
from kfix.infra.store.forgetting import forget
from sandbox.serving import serve
from schemas.base import ObjectRef, Record
from schemas.feedback import Feedback
from schemas.merge_requests import MergeRequestEvent
from schemas.outcomes import Outcome
from schemas.plans import Analysis, CandidatePlans, IncidentContext, SecondOpinion
from tests.support.logs import logs_as_they_were

CHROMIUM = next((p for n in ("chromium-headless-shell", "chromium") if (p := shutil.which(n))), "")
NOW = datetime(2026, 3, 31, tzinfo=UTC)
#: What becomes of the made incidents of a class: (state, how many).
TRUE: dict[str, dict[str, int]] = {
    "oom_killed": {"held": 12, "false": 1, "taken_back": 1, "turned_down": 2, "open": 1},
    "cpu_throttling": {"held": 3, "partly": 1, "false": 2, "expired": 1, "unjudged": 2},
    "bad_image": {"none": 5, "turned_down": 4},
}


class Silent:
    """A publisher that is sent nothing."""

    async def send(self, record: Record) -> None:
        raise AssertionError("the figures send nothing")

    async def dead_letter(self, *args: Any, **more: Any) -> None:
        raise AssertionError("the console has no dead letters")


def incident(name: str, failure_class: str, state: str, at: datetime) -> list[Record]:
    """The records of one incident of which it is known what became of it."""
    target = ObjectRef(kind="Deployment", namespace="shop", name=failure_class.replace("_", "-"))
    human = state == "none"
    decision = CandidatePlans(
        event_id=f"dec-{name}",
        occurred_at=at + timedelta(seconds=5),
        incident_id=name,
        fingerprint="fp",
        status="needs_human" if human else "solution_proposed",
        reason="code_defect" if human else "",
        context=IncidentContext(alerted_at=at, monitor_id=7, alert_title="<b>restarts</b>"),
        analysis=Analysis(
            failure_class=failure_class, object=target, root_cause="because", confidence=0.9
        ),
        second_opinion=SecondOpinion(
            asked=True, provider="p", model="m", model_calls=1, input_tokens=1000, output_tokens=100
        ),
    )
    if human:
        return [decision]

    def event(action: str, minutes: float, suffix: str = "", **more: Any) -> MergeRequestEvent:
        return MergeRequestEvent.model_validate(
            {
                "event_id": f"{action}-{name}{suffix}",
                "occurred_at": at + timedelta(minutes=minutes),
                "incident_id": name + suffix,
                "action": action,
                **more,
            }
        )

    def ended(result: Any) -> Outcome:
        return Outcome(
            event_id=f"out-{name}",
            occurred_at=at + timedelta(minutes=25),
            incident_id=name,
            fingerprint="fp",
            result=result,
            failure_class=failure_class,
            object=target,
        )

    told: list[Record] = [decision, event("opened", 1)]
    if state == "turned_down":
        told += [event("closed", 5)]
    if state == "expired":
        told += [ended("expired")]
    if state in ("held", "partly", "false", "taken_back", "unjudged"):
        told += [event("merged", 10)]
    if state == "held":
        told += [ended("success")]
    if state == "partly":
        told += [ended("partial")]
    if state == "taken_back":
        told += [ended("failure"), event("merged", 30, "-revert")]
    if state == "false":
        said = Feedback(author="ada", verdict="bad")
        told += [ended("success"), event("feedback", 60, feedback=said)]
    return told


def made(at: datetime = NOW - timedelta(days=10)) -> list[Record]:
    """Incidents of ``TRUE``, a minute apart."""
    records: list[Record] = []
    for failure_class, states in TRUE.items():
        for state, count in states.items():
            for n in range(count):
                when = at + timedelta(minutes=len(records))
                records += incident(f"inc-{failure_class}-{state}-{n}", failure_class, state, when)
    return records


async def keep(projection: SqlProjection, records: Iterable[Record]) -> None:
    for record in records:
        await projection.keep(BY_MODEL[type(record)].name, record)


async def figures(projection: SqlProjection, days: float | None = None) -> TrustFigures:
    since = None if days is None else NOW - timedelta(days=days)
    return await projection.trust({"p/m": ModelPrice(2.0, 6.0)}, since=since, until=NOW)


def check(found: TrustFigures) -> None:
    """The figures are the true ones."""
    by_class = {one.failure_class: one for one in found.classes}
    for name, states in TRUE.items():
        assert dict(by_class[name].states) == {s: n for s, n in states.items() if s != "none"}
    assert by_class["oom_killed"].acceptance == Rate(14, 16)
    assert by_class["oom_killed"].held == Rate(12, 14)
    assert by_class["oom_killed"].false_fixes == Rate(2, 14)
    assert by_class["oom_killed"].taken_back == Rate(1, 14)
    assert by_class["cpu_throttling"].acceptance == Rate(8, 9)
    assert by_class["cpu_throttling"].false_fixes == Rate(2, 6)
    assert by_class["bad_image"].acceptance == Rate(0, 4)
    assert found.total.false_fixes == Rate(4, 20)
    assert found.incidents == sum(sum(states.values()) for states in TRUE.values())
    assert [(n.status, n.reason, n.count) for n in found.not_proposed] == [
        ("needs_human", "code_defect", 5)
    ]
    assert (found.total.to_merge_request.n, found.total.to_merge_request.median_s) == (30, 60.0)
    assert (found.total.to_merge.n, found.total.to_merge.median_s) == (22, 600.0)
    assert [(o.name, o.incidents) for o in found.objects][:1] == [
        ("Deployment/shop/oom-killed", 17)
    ]
    (use,) = found.cost.uses
    assert (use.calls, use.input_tokens, use.output_tokens) == (35, 35_000, 3_500)
    assert found.cost.total == pytest.approx(35 * (1000 * 2 + 100 * 6) / 1e6)


async def test_the_figures_are_the_true_ones_in_any_order_and_with_repeats(store: Engine) -> None:
    projection = SqlProjection(store)
    records = made()
    await keep(projection, [*records[::-3], *records[1::2], *records, *records[:20]])
    check(await figures(projection))


async def test_a_time_range_takes_the_incidents_whose_alerts_happened_in_it(store: Engine) -> None:
    projection = SqlProjection(store)
    await keep(projection, made(NOW - timedelta(days=10)))
    await keep(projection, incident("inc-old", "oom_killed", "held", NOW - timedelta(days=40)))
    assert (await figures(projection, 7)).incidents == 0
    check(await figures(projection, 30))
    whole = await figures(projection)
    assert whole.total.held == Rate(16, 21)
    assert whole.cost.uses[0].calls == 36


async def test_attempts_of_one_incident_offend_once_and_what_came_back_is_named(
    store: Engine,
) -> None:
    projection, at = SqlProjection(store), NOW - timedelta(days=1)
    first = incident("inc-a", "oom_killed", "taken_back", at)
    second = incident("inc-a-try2", "oom_killed", "held", at)
    (outcome,) = (one for one in second if isinstance(one, Outcome))
    back_at = NOW - timedelta(hours=1)
    back = outcome.model_copy(update={"event_id": "back", "came_back_at": back_at})
    other = incident("inc-b", "oom_killed", "none", at)
    alone = incident("inc-c", "bad_image", "held", at)
    await keep(projection, [*first, *second, back, *other, *alone])
    found = await figures(projection)
    assert found.incidents == 3
    (worst,) = found.objects
    assert (worst.name, worst.incidents, worst.merged, worst.false_fixes) == (
        "Deployment/shop/oom-killed",
        2,
        2,
        2,
    )
    assert [(m.name, m.incidents) for m in found.monitors] == [("7", 3)]
    assert [(f.incident_id, f.root_id, f.came_back_at) for f in found.came_back] == [
        ("inc-a-try2", "inc-a", back_at)
    ]


async def test_replicas_that_keep_records_of_one_incident_at_once_lose_none(
    store_url: str, store: Engine
) -> None:
    engines = [open_engine(store_url) for _ in range(4)]
    projections = [SqlProjection(engine) for engine in engines]
    records = [
        record
        for n in range(6)
        for record in incident(f"inc-{n}", "oom_killed", "taken_back", NOW - timedelta(days=1))
    ]
    await asyncio.gather(*(keep(projections[n % 4], [r]) for n, r in enumerate(records * 2)))
    found = await figures(SqlProjection(store))
    assert dict(found.total.states) == {"taken_back": 6}
    for engine in engines:
        engine.dispose()


async def test_incidents_from_before_the_figures_are_counted_from_their_records(
    store: Engine,
) -> None:
    projection = SqlProjection(store)
    await keep(projection, made())
    with store.begin() as connection:
        connection.execute(delete(trust_facts))
    assert (await figures(projection)).incidents == 0
    # A record that comes before the older ones are counted brings them with it.
    newest = incident("inc-oom_killed-held-0", "oom_killed", "held", NOW - timedelta(days=10))[-1]
    await keep(projection, [newest.model_copy(update={"event_id": "out-again"})])
    assert dict((await figures(projection)).total.states) == {"held": 1}
    while await projection.fill_trust(7):
        pass
    check(await figures(projection))
    assert await projection.fill_trust(7) is False


async def test_a_row_has_what_is_known_and_no_secret_kind_of_text(store: Engine) -> None:
    await keep(SqlProjection(store), incident("inc-a", "oom_killed", "held", NOW))
    with store.connect() as connection:
        row = connection.execute(select(trust_facts)).one()
    assert (row.root_id, row.status, row.result, row.monitor) == (
        "inc-a",
        "solution_proposed",
        "success",
        "7",
    )


async def test_forgetting_takes_the_names_and_leaves_the_counts(store: Engine) -> None:
    projection = SqlProjection(store)
    records = incident("inc-a", "oom_killed", "held", NOW - timedelta(days=1))
    await keep(projection, [*records, *incident("inc-a-try2", "oom_killed", "held", NOW)])
    with store.begin() as connection:
        assert forget(connection, ["inc-a"], act=True)["trust_facts"] == 2
    with store.connect() as connection:
        rows = connection.execute(select(trust_facts)).all()
    assert len(rows) == 2
    for row in rows:
        assert (row.object_key, row.monitor, row.title, row.state) == ("", "", "", "held")
        said = json.dumps(row.facts)
        assert "Deployment/shop" not in said
        assert "restarts" not in said
        assert "oom_killed" in said
    found = await figures(projection, 2)
    assert found.total.held == Rate(1, 1)
    assert found.objects == ()


def ports(projection: SqlProjection, **settings: Any) -> ConsolePorts:
    language = settings.pop("language", "en")
    return ConsolePorts(
        projection, Console(_env_file=None, **settings), language, lambda: NOW, lambda: "1"
    )


@pytest.fixture
async def projection(store: Engine) -> SqlProjection:
    made_one = SqlProjection(store)
    await keep(made_one, made())
    return made_one


@pytest.fixture
async def client(projection: SqlProjection) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(ports(projection, model_prices={"p/m": (2.0, 6.0)}), Silent())
    async with serve(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield client


async def test_the_page_and_the_json_tell_the_same(client: httpx.AsyncClient) -> None:
    told = (await client.get("/trust.json?since=30d")).json()
    one = next(c for c in told["classes"] if c["failure_class"] == "oom_killed")
    assert one["held"] == {"hits": 12, "of": 14, "share": 0.8571, "low": 0.6006, "high": 0.9599}
    assert told["model_cost"]["money"] == pytest.approx(0.091)
    page = (await client.get("/trust?since=30d")).text
    assert "12/14 · 60–96 %" in page
    assert "The program itself must be mended." in page
    assert "<b>restarts</b>" not in page
    assert "0.0910 USD" in page
    assert (await client.get("/trust.json?since=7d")).json()["incidents"] == 0
    assert "No incidents in this time." in (await client.get("/trust?since=7d")).text


async def test_another_range_than_days_is_refused(client: httpx.AsyncClient) -> None:
    for wrong in ("", "30", "-1d", "0d", "30h", "99999d", "<script>"):
        answer = await client.get("/trust.json", params={"since": wrong})
        assert answer.status_code == 422, wrong
        assert (await client.get("/trust", params={"since": wrong})).status_code == 422


async def test_metrics_tell_the_last_thirty_days(client: httpx.AsyncClient) -> None:
    told = (await client.get("/metrics")).text
    assert 'kfix_trust_fixes{failure_class="oom_killed",state="held"} 12.0' in told
    assert 'kfix_trust_ratio{bound="estimate",rate="false_fixes"} 0.2' in told
    assert 'kfix_trust_not_proposed{reason="code_defect",status="needs_human"} 5.0' in told
    assert 'kfix_trust_seconds{event="merge",quantile="0.5"} 600.0' in told
    assert 'kfix_trust_seconds{event="recovery",quantile="0.5"} NaN' in told
    assert 'kfix_trust_model_tokens{direction="input",model="p/m"} 35000.0' in told
    assert "kfix_trust_incidents 35.0" in told


async def test_metrics_of_a_store_that_is_away_are_gone_and_the_others_stay(
    store: Engine, projection: SqlProjection
) -> None:
    app = build_app(ports(projection, trust_cache_s=0), Silent())
    async with serve(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        assert "kfix_trust_incidents 35.0" in (await client.get("/metrics")).text
        trust_facts.drop(store)
        told = await client.get("/metrics")
        assert told.status_code == 200
        assert "kfix_trust_incidents NaN" in told.text
        assert "kfix_trust_fixes{" not in told.text
        assert "python_info" in told.text
        assert (await client.get("/trust")).status_code == 503


async def test_names_from_outside_make_so_many_series_and_no_more(store: Engine) -> None:
    projection = SqlProjection(store)
    for n in range(80):
        await keep(projection, incident(f"inc-{n}", f"class_{n:02}", "open", NOW))
    app = build_app(ports(projection, trust_cache_s=0), Silent())
    async with serve(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        told = (await client.get("/metrics")).text
    series = re.findall(r'kfix_trust_fixes\{failure_class="(\w+)",state="open"\} (\S+)', told)
    # Alerts of this very moment are not yet within the range, which ends before it.
    assert series == []
    later = NOW + timedelta(minutes=1)
    at = ConsolePorts(projection, Console(_env_file=None), "en", lambda: later, lambda: "1")
    app = build_app(at, Silent())
    async with serve(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        told = (await client.get("/metrics")).text
    series = re.findall(r'kfix_trust_fixes\{failure_class="(\w+)",state="open"\} (\S+)', told)
    assert len(series) == 61
    assert dict(series)["other"] == "20.0"


async def test_figures_are_counted_anew_only_after_a_while(projection: SqlProjection) -> None:
    clock = [NOW]
    at = ConsolePorts(projection, Console(_env_file=None), "en", lambda: clock[0], lambda: "1")
    async with serve(build_app(at, Silent())) as url, httpx.AsyncClient(base_url=url) as client:

        async def incidents() -> int:
            found: int = (await client.get("/trust.json?since=all")).json()["incidents"]
            return found

        assert await incidents() == 35
        await keep(projection, incident("inc-new", "oom_killed", "open", NOW - timedelta(hours=1)))
        assert await incidents() == 35
        clock[0] += timedelta(seconds=61)
        assert await incidents() == 36


@pytest.fixture
def command(store_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """``kfix trust`` on the store, in this process."""
    monkeypatch.setenv("KFIX_DATABASE_URL", store_url)
    monkeypatch.setenv("KFIX_CONSOLE_MODEL_PRICES", '{"p/m": [2.0, 6.0]}')
    app = Typer()
    app.callback()(lambda: None)
    register(app)

    def run(*arguments: str) -> Result:
        with logs_as_they_were():
            return CliRunner().invoke(app, ["trust", *arguments])

    return run


def test_the_command_tells_the_same_as_lines_and_as_json(
    store: Engine, command: Callable[..., Result]
) -> None:
    asyncio.run(keep(SqlProjection(store), made(datetime.now(UTC) - timedelta(days=2))))
    said = command("--since", "7d")
    assert said.exit_code == 0, said.output
    assert "35 incidents, 30 merge requests" in said.stdout
    assert "oom_killed\tmerged 14/16 (64%–97%), held 12/14 (60%–96%)" in said.stdout
    assert "not proposed\t5\tneeds_human code_defect" in said.stdout
    assert "p/m\t35 calls, 35000 + 3500 tokens, 0.0910 USD" in said.stdout
    told = json.loads(command("--since", "all", "--output", "json").stdout)
    assert told["total"]["false_fixes"]["hits"] == 4
    assert json.loads(command("--since", "1d", "--output", "json").stdout)["incidents"] == 0


def test_the_command_refuses_a_range_that_is_none(
    store: Engine, command: Callable[..., Result]
) -> None:
    refused = command("--since", "yesterday")
    assert refused.exit_code == 2
    assert "30d" in refused.stderr


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "dark")])
async def test_a_browser_shows_the_figures_on_a_phone_and_on_a_desk(
    projection: SqlProjection, tmp_path: Path, language: str, width: int, scheme: Any
) -> None:
    if not CHROMIUM:
        assert os.environ.get("KFIX_TEST_STRICT") != "1", "no chromium-headless-shell"
        pytest.skip("no chromium-headless-shell")
    from playwright.async_api import async_playwright

    app = build_app(ports(projection, language=language), Silent())
    async with serve(app) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=True
        )
        page.set_default_timeout(5000)
        troubles: list[str] = []
        page.on("console", lambda message: troubles.append(message.text))
        await page.goto(f"{url}/trust?since=30d")
        overflow = await page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow == 0
        assert await page.locator("text=12/14 · 60–96 %").count() == 1
        folder = Path(os.environ.get("KFIX_TEST_SHOTS", str(tmp_path)))
        await page.screenshot(path=folder / f"trust-{language}-{width}.png", full_page=True)
        await page.click(f"text={'90 days' if language == 'en' else '90 jours'}")
        await page.wait_for_url("**since=90d")
        await browser.close()
    assert troubles == []

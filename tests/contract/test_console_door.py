"""The console's store and door: the list, pages, JSON, feedback, and who may not come in."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, insert

from console.adapters.pages import Pages
from console.adapters.sql import SqlProjection
from console.adapters.web import build_app
from console.ports import ConsolePorts
from console.settings import Console
from kfix.engine.topics import BY_MODEL
from kfix.incident.judgement_links import LINK_VERDICTS, LinkKeys, LinkVerdict
from kfix.infra.store.console_tables import incident_lines, incident_records
from kfix.infra.store.engine import open_store
from sandbox.serving import serve
from schemas.base import Record
from schemas.dead_letters import DeadLetter
from schemas.merge_requests import MergeRequestEvent
from tests.support.console_samples import INCIDENT, SECOND, failed_then_held, full

CHROMIUM = next((p for n in ("chromium-headless-shell", "chromium") if (p := shutil.which(n))), "")


class Sent:
    """A publisher that keeps what it is given."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    async def send(self, record: Record) -> None:
        self.records.append(record)

    async def dead_letter(self, *args: Any, **more: Any) -> None:
        raise AssertionError("the console has no dead letters")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_store(f"sqlite:///{tmp_path / 'console.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
async def projection(engine: Engine) -> SqlProjection:
    made = SqlProjection(engine)
    for record in [*reversed(full()), *full()]:
        await made.keep(BY_MODEL[type(record)].name, record)
    return made


def ports(projection: SqlProjection, **settings: Any) -> ConsolePorts:
    return ConsolePorts(
        projection,
        Console(_env_file=None, **settings),
        "en",
        lambda: datetime(2026, 3, 1, tzinfo=UTC),
        lambda: "1",
    )


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
async def url(projection: SqlProjection, sent: Sent) -> AsyncIterator[str]:
    async with serve(build_app(ports(projection), sent)) as url:
        yield url


@pytest.fixture
async def client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield client


async def test_the_early_records_are_found_by_their_trace(client: httpx.AsyncClient) -> None:
    told = (await client.get(f"/incidents/{INCIDENT}.json")).json()
    assert told["context_bundle"]["event_id"] == "ctx-1"
    assert told["timeline"][0]["topic"] == "alerts.raw"


async def test_the_list_shows_each_incident_once_and_filters(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/incidents.json")).json()["incidents"]
    assert [i["incident_id"] for i in listed] == [INCIDENT]
    assert listed[0]["result"] == "success"
    for query, count in (
        ("status=solution_proposed", 1),
        ("status=no_action", 0),
        ("service=cart", 1),
        ("page=1", 0),
    ):
        assert len((await client.get(f"/incidents.json?{query}")).json()["incidents"]) == count, (
            query
        )
    page = await client.get("/incidents?status=solution_proposed")
    assert page.status_code == 200
    assert INCIDENT in page.text
    asked = await client.get("/incidents", headers={"accept": "application/json"})
    assert asked.json()["incidents"]


async def remembered(engine: Engine, rows: list[tuple[str, int, dict[str, Any]]]) -> None:
    """Rows of an older version, without lines: incident, minute, what the list shows of the record."""
    with engine.begin() as connection:
        connection.execute(
            insert(incident_records),
            [
                {
                    "topic": "plans.validated",
                    "event_id": f"e{number}",
                    "incident_id": incident,
                    "trace_id": f"t{number}",
                    "occurred_at": datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=minute),
                    "stored_at": datetime(2026, 3, 1, tzinfo=UTC),
                    "summary": summary,
                    "payload": "{}",
                }
                for number, (incident, minute, summary) in enumerate(rows)
            ],
        )
    await SqlProjection(engine).catch_up()


async def test_a_filter_finds_an_incident_behind_thousands_of_others(store: Engine) -> None:
    """One database page or ten: what is asked for is found, oldest and newest alike."""
    others = [(f"inc-{n}", n, {"status": "needs_human", "service": "web"}) for n in range(1, 2_500)]
    await remembered(store, [("inc-first", 0, {"status": "no_action", "service": "cart"}), *others])
    projection = SqlProjection(store)

    async def found(offset: int = 0, **where: str) -> list[str]:
        return [i.incident_id for i in await projection.listed(where=where, limit=3, offset=offset)]

    assert await found(service="cart") == ["inc-first"]
    assert await found(service="cart", status="no_action") == ["inc-first"]
    assert await found(service="cart", status="needs_human") == []
    assert await found(offset=2_497, service="web") == ["inc-2", "inc-1"]
    assert await found() == ["inc-2499", "inc-2498", "inc-2497"]


async def test_a_fact_is_what_the_newest_record_says_of_it(store: Engine) -> None:
    await remembered(
        store,
        [
            ("inc-a", 5, {"result": "success"}),
            ("inc-a", 1, {"status": "needs_human", "result": "partial"}),
            ("inc-a", 3, {"status": "solution_proposed"}),
            ("inc-a", 9, {}),
            ("inc-b", 2, {"status": "needs_human", "service": "o'b\"c"}),
            ("", 4, {"status": "needs_human"}),
        ],
    )
    projection = SqlProjection(store)

    async def found(**where: str) -> list[str]:
        return [i.incident_id for i in await projection.listed(where=where, limit=9, offset=0)]

    assert await found(status="solution_proposed", result="success") == ["inc-a"]
    assert await found(status="needs_human") == ["inc-b"]
    assert await found(service="o'b\"c") == ["inc-b"]
    assert await found(result="partial") == []


async def test_there_is_another_page_only_when_there_is_something_on_it(
    engine: Engine, sent: Sent
) -> None:
    await remembered(engine, [(f"inc-{n}", n, {"status": "needs_human"}) for n in range(4)])
    app = build_app(ports(SqlProjection(engine), page_size=2), sent)
    async with serve(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        first = (await client.get("/incidents?status=needs_human")).text
        assert "?status=needs_human&amp;page=1" in first
        last = (await client.get("/incidents?status=needs_human&page=1")).text
        assert "page=0" in last
        assert "page=2" not in last


async def test_every_answer_forbids_scripts(client: httpx.AsyncClient) -> None:
    for path in (
        "/incidents",
        f"/incidents/{INCIDENT}",
        "/style.css",
        "/incidents/inc-none",
        "/healthz",
    ):
        policy = (await client.get(path)).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy


async def test_an_unknown_incident_is_404_in_both_forms(client: httpx.AsyncClient) -> None:
    for path in (
        "/incidents/inc-none",
        "/incidents/inc-none.json",
        "/incidents/%00",
        "/incidents/..%2f.json",
    ):
        assert (await client.get(path)).status_code == 404, path


async def test_feedback_becomes_an_event(client: httpx.AsyncClient, sent: Sent) -> None:
    body = {"verdict": "bad", "text": "password=hunter2-4711 was wrong", "author": "ada"}
    answer = await client.post(f"/incidents/{INCIDENT}/feedback", json=body)
    assert answer.status_code == 202
    form = await client.post(f"/incidents/{INCIDENT}/feedback-form", data={"verdict": "good"})
    assert form.status_code == 303
    events = [e for e in sent.records if isinstance(e, MergeRequestEvent)]
    assert [e.feedback.verdict for e in events if e.feedback] == ["bad", "good"]
    assert "hunter2" not in events[0].model_dump_json()
    for bad in ({"verdict": "great"}, {"verdict": "good", "text": "x" * 3000}):
        assert (await client.post(f"/incidents/{INCIDENT}/feedback", json=bad)).status_code == 422
    assert (await client.post("/incidents/inc-none/feedback", json=body)).status_code == 404


async def test_a_form_on_another_site_is_refused(client: httpx.AsyncClient, sent: Sent) -> None:
    for headers in (
        {"origin": "http://evil.test"},
        {"sec-fetch-site": "cross-site"},
        {"referer": "http://evil.test/x"},
    ):
        answer = await client.post(
            f"/incidents/{INCIDENT}/feedback-form", data={"verdict": "good"}, headers=headers
        )
        assert answer.status_code == 403
    large = await client.post(
        f"/incidents/{INCIDENT}/feedback-form", content=b"verdict=good&text=" + b"x" * 20_000
    )
    assert large.status_code == 413
    assert sent.records == []


async def test_with_a_token_nobody_else_comes_in(projection: SqlProjection, sent: Sent) -> None:
    app = build_app(ports(projection, token=SecretStr("let-me-in")), sent)
    async with serve(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        assert (await client.get("/incidents")).status_code == 401
        assert (
            await client.get("/incidents", headers={"authorization": "Bearer wrong"})
        ).status_code == 401
        assert (
            await client.get("/incidents", headers={"authorization": "Basic %%%"})
        ).status_code == 401
        assert (
            await client.get("/incidents", headers={"authorization": "Bearer let-me-in"})
        ).status_code == 200
        assert (await client.get("/incidents", auth=("ada", "let-me-in"))).status_code == 200
        assert (await client.get("/healthz")).status_code == 200


KEYS = LinkKeys((b"k" * 32,))
AT = datetime(2026, 3, 1, tzinfo=UTC)


def link(verdict: LinkVerdict, incident: str = INCIDENT, at: datetime = AT) -> str:
    """Path and query of a signed link."""
    return KEYS.links(incident, "", at)[verdict]


@pytest.fixture
async def judging(projection: SqlProjection, sent: Sent) -> AsyncIterator[httpx.AsyncClient]:
    """The door of a console with a token that the client does not have."""
    closed = replace(ports(projection, token=SecretStr("let-me-in")), links=KEYS)
    async with (
        serve(build_app(closed, sent)) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
    ):
        yield client


def fields(page: str) -> dict[str, str]:
    """What the page's form carries along."""
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))


async def test_following_a_link_asks_and_changes_nothing(
    judging: httpx.AsyncClient, sent: Sent
) -> None:
    for verdict in LINK_VERDICTS:
        for _ in range(3):  # Slack, Teams and a mail scanner look what is behind it
            page = await judging.get(
                link(verdict), headers={"user-agent": "Slackbot-LinkExpanding"}
            )
            assert page.status_code == 200
            assert '<form method="post" action="/judge">' in page.text
            assert "script-src" not in page.headers["content-security-policy"]
        assert (await judging.head(link(verdict))).status_code == 405
    assert sent.records == []
    assert "cart" not in page.text, "whoever has a link sees nothing of the incident"
    assert (await judging.get("/incidents")).status_code == 401


async def test_the_form_behind_a_link_counts_once_for_each_person(
    judging: httpx.AsyncClient, sent: Sent, projection: SqlProjection
) -> None:
    page = await judging.get(link("wrong_cause"))
    form = fields(page.text) | {"text": "password=hunter2-4711 was\u202e not it"}
    assert (await judging.post("/judge", data=form)).status_code == 422, "somebody says it"
    for who, told in (
        ("Anna", "Noted"),
        ("anna ", "already"),
        ("Bob", "Noted"),
        ("Anna", "already"),
    ):
        answer = await judging.post("/judge", data={**form, "author": who})
        assert answer.status_code == 200
        assert told in answer.text, who
        for record in sent.records:
            await projection.keep(BY_MODEL[type(record)].name, record)
    events = [e for e in sent.records if isinstance(e, MergeRequestEvent)]
    assert [(e.incident_id, e.action, e.actor) for e in events] == [
        (INCIDENT, "feedback", "Anna"),
        (INCIDENT, "feedback", "Bob"),
    ]
    given = events[0].feedback
    assert given is not None
    assert (given.verdict, given.about, given.way, given.at) == ("bad", "cause", "link", AT)
    assert "hunter2" not in events[0].model_dump_json()
    assert "\u202e" not in given.text
    told = (await judging.get("/incidents", auth=("x", "let-me-in"))).status_code
    assert told == 200


async def test_the_same_post_at_once_is_one_record_for_every_reader(
    judging: httpx.AsyncClient, sent: Sent
) -> None:
    form = fields((await judging.get(link("useful"))).text) | {"author": "Anna"}
    for _ in range(2):  # the first one is not in the projection yet
        await judging.post("/judge", data=form)
    assert len({e.event_id for e in sent.records}) == 1


async def test_a_snooze_by_link_is_a_wish_of_the_console(
    judging: httpx.AsyncClient, sent: Sent
) -> None:
    form = fields((await judging.get(link("snooze"))).text) | {"author": "Anna"}
    await judging.post("/judge", data={**form, "silence": "1w"})
    await judging.post("/judge", data={**form, "author": "Bob", "silence": "for ever"})
    found = [e for e in sent.records if isinstance(e, MergeRequestEvent)]
    assert [(e.action, e.command, e.argument, e.feedback) for e in found] == [
        ("feedback", "snooze", "1w", None),
        ("feedback", "snooze", "1d", None),
    ]


async def test_a_link_that_is_no_good_has_a_clear_page_in_both_languages(
    projection: SqlProjection, judging: httpx.AsyncClient, sent: Sent
) -> None:
    old, changed = (
        link("useful", at=AT - timedelta(days=15)),
        link("useful").replace("useful", "snooze"),
    )
    for url, status, told in (
        (old, 410, "This link has expired."),
        (changed, 403, "This link is not valid."),
        ("/judge", 403, "This link is not valid."),
        ("/judge?incident=<script>&verdict=useful", 403, "This link is not valid."),
    ):
        answer = await judging.get(url)
        assert answer.status_code == status, url
        assert told in answer.text
        assert "<script" not in answer.text
        query = dict(httpx.URL(url).params) | {"author": "Anna"}
        assert (await judging.post("/judge", data=query)).status_code == status
    french = replace(ports(projection), links=KEYS, language="fr")
    async with serve(build_app(french, sent)) as url, httpx.AsyncClient(base_url=url) as client:
        assert "Ce lien a expiré." in (await client.get(old)).text
        assert "mauvaise cause" in (await client.get(link("wrong_cause"))).text
    unknown = fields((await judging.get(link("useful", "inc-none"))).text) | {"author": "Anna"}
    assert (await judging.post("/judge", data=unknown)).status_code == 404
    assert sent.records == []


async def test_a_links_form_on_another_site_is_refused(
    judging: httpx.AsyncClient, sent: Sent
) -> None:
    form = fields((await judging.get(link("useful"))).text) | {"author": "Anna"}
    for headers in ({"origin": "http://evil.test"}, {"sec-fetch-site": "cross-site"}):
        assert (await judging.post("/judge", data=form, headers=headers)).status_code == 403
    large = b"author=" + b"x" * 20_000
    assert (await judging.post("/judge", content=large)).status_code == 413
    assert (await judging.post("/judge", data={**form, "author": "x" * 200})).status_code == 422
    assert sent.records == []


async def test_the_sign_on_in_front_says_who_it_is(projection: SqlProjection, sent: Sent) -> None:
    named = replace(ports(projection, user_header="X-Forwarded-User"), links=KEYS)
    async with serve(build_app(named, sent)) as url, httpx.AsyncClient(base_url=url) as client:
        me = {"x-forwarded-user": "anna@example.com"}
        page = await client.get(link("useful"), headers=me)
        assert "anna@example.com" in page.text
        assert 'name="author"' not in page.text
        form = {**fields(page.text), "author": "somebody else"}
        await client.post("/judge", data=form, headers=me)
        body = {"verdict": "wrong_fix", "author": "somebody else"}
        await client.post(f"/incidents/{INCIDENT}/feedback", json=body, headers=me)
    assert [e.actor for e in sent.records if isinstance(e, MergeRequestEvent)] == [
        "anna@example.com",
        "anna@example.com",
    ]


async def test_the_api_and_the_page_take_every_judgement(
    client: httpx.AsyncClient, sent: Sent
) -> None:
    for verdict in ("useful", "wrong_cause", "wrong_fix"):
        body = {"verdict": verdict, "author": "Anna"}
        assert (await client.post(f"/incidents/{INCIDENT}/feedback", json=body)).status_code == 202
    form = {"verdict": "snooze", "silence": "2h"}
    answer = await client.post(f"/incidents/{INCIDENT}/feedback-form", data=form)
    assert answer.status_code == 303
    events = [e for e in sent.records if isinstance(e, MergeRequestEvent)]
    said = [e.feedback for e in events[:3] if e.feedback]
    assert [(f.verdict, f.about, f.way) for f in said] == [
        ("good", "", "api"),
        ("bad", "cause", "api"),
        ("bad", "fix", "api"),
    ]
    assert (events[3].command, events[3].argument, events[3].actor) == ("snooze", "2h", "console")


async def test_a_store_that_is_away_is_503(engine: Engine, sent: Sent) -> None:
    incident_lines.drop(engine)
    async with (
        serve(build_app(ports(SqlProjection(engine)), sent)) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        for path in ("/incidents", "/readyz"):
            answer = await client.get(path)
            assert answer.status_code == 503
            assert "retry-after" in answer.headers


@pytest.fixture
async def retried(engine: Engine) -> SqlProjection:
    """An incident whose first fix failed and whose second held; its records come last ones first."""
    made = SqlProjection(engine)
    for record in reversed(failed_then_held()):
        await made.keep(BY_MODEL[type(record)].name, record)
    return made


async def test_attempts_are_one_incident_under_its_own_name(
    retried: SqlProjection, sent: Sent
) -> None:
    async with (
        serve(build_app(ports(retried), sent)) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
    ):
        listed = (await client.get("/incidents.json")).json()["incidents"]
        assert [(i["incident_id"], i["state"], i["attempts"]) for i in listed] == [
            (INCIDENT, "held", 2)
        ]
        page = await client.get(f"/incidents/{SECOND}")
        assert page.headers["location"] == f"/incidents/{INCIDENT}#attempt-2"
        told = await client.get(f"/incidents/{SECOND}.json", follow_redirects=True)
        assert told.json()["incident_id"] == INCIDENT
        assert [a["state"] for a in told.json()["attempts"]] == ["failed", "held"]
        assert told.json()["state_since"] == told.json()["states"][-1]["at"]
        await client.post(f"/incidents/{INCIDENT}/feedback", json={"verdict": "good"})
        await client.post(f"/incidents/{SECOND}/feedback", json={"verdict": "good"})
    judged = [e.incident_id for e in sent.records if isinstance(e, MergeRequestEvent)]
    assert judged == [SECOND, SECOND]


async def test_the_list_asks_for_where_incidents_stand(store: Engine) -> None:
    """On both databases, whatever order the records come in."""
    projection = SqlProjection(store)
    for record in reversed(failed_then_held()):
        await projection.keep(BY_MODEL[type(record)].name, record)

    async def found(state: str) -> list[str]:
        listed = await projection.listed(where={"state": state}, limit=9, offset=0)
        return [line.incident_id for line in listed]

    assert await found("held") == [INCIDENT]
    assert await found("failed") == []
    assert await projection.by_state() == {"held": 1}
    assert await projection.catch_up() == 0


async def test_metrics_count_incidents_by_state_and_say_nothing_while_the_store_is_away(
    engine: Engine, retried: SqlProjection, sent: Sent
) -> None:
    async with (
        serve(build_app(ports(retried), sent)) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
    ):
        told = (await client.get("/metrics")).text
        assert 'kfix_incidents_by_state{state="held"} 1.0' in told
        assert 'kfix_incidents_by_state{state="proposed"} 0.0' in told
        incident_lines.drop(engine)
        away = await client.get("/metrics")
        assert away.status_code == 200
        assert "kfix_incidents_by_state{" not in away.text


async def test_records_that_come_at_once_are_all_in_the_line(store: Engine) -> None:
    projection = SqlProjection(store)
    records = failed_then_held()
    await asyncio.gather(*(projection.keep(BY_MODEL[type(r)].name, r) for r in records))
    (line,) = await projection.listed(where={}, limit=9, offset=0)
    assert (line.facts["state"], line.facts["attempts"]) == ("held", 2)


async def test_an_older_record_that_comes_late_takes_nothing_back(engine: Engine) -> None:
    """A merge whose record is older than the opening's, by the forge's clock; and a closing that was told late."""
    projection = SqlProjection(engine)
    records = {getattr(r, "action", ""): r for r in full() if isinstance(r, MergeRequestEvent)}
    opened, merged = records["opened"], records["merged"]
    early = {"occurred_at": opened.occurred_at - timedelta(seconds=30)}
    for record in (
        opened,
        merged.model_copy(update=early),
        merged.model_copy(update={**early, "event_id": "gl-0", "action": "closed"}),
    ):
        await projection.keep("mr.events", record)
    (line,) = await projection.listed(where={}, limit=9, offset=0)
    assert (line.facts["state"], line.facts["merge_state"]) == ("merged", "merged")
    story = await projection.story(INCIDENT)
    assert story is not None
    assert (story.state, story.merge_state) == ("merged", "merged")


def need_browser() -> None:
    if not CHROMIUM:
        assert os.environ.get("KFIX_TEST_STRICT") != "1", "no chromium-headless-shell"
        pytest.skip("no chromium-headless-shell")


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_browser_shows_the_answer_first_and_takes_feedback(
    url: str, sent: Sent, tmp_path: Path, scheme: Any
) -> None:
    need_browser()
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1200, "height": 800}, color_scheme=scheme)
        page.set_default_timeout(5000)
        troubles: list[str] = []
        page.on("console", lambda message: troubles.append(message.text))
        await page.goto(f"{url}/incidents")
        await page.click(f"text={INCIDENT}")
        for text in ("Raise memory of cart to 384Mi", "All checks passed.", "shop/deployments!12"):
            box = await page.locator(f"text={text}").first.bounding_box()
            assert box is not None
            assert box["y"] < 800, f"{text} is not on the first screen"
        assert await page.locator(".diff .add").count() == 1
        assert await page.locator("svg polyline").count() == 1
        await page.fill("input[name=text]", "it held")
        await page.click("button[value=good]")
        await page.wait_for_url("**thanks=true**")
        await page.screenshot(path=tmp_path / "incident.png", full_page=True)
        await browser.close()
    assert troubles == []
    assert [
        e.feedback.text for e in sent.records if isinstance(e, MergeRequestEvent) and e.feedback
    ] == ["it held"]
    assert (tmp_path / "incident.png").stat().st_size > 10_000


@pytest.mark.browser
async def test_a_browser_confirms_a_judgement_behind_its_link(
    projection: SqlProjection, sent: Sent
) -> None:
    need_browser()
    from playwright.async_api import async_playwright

    app = build_app(replace(ports(projection), links=KEYS), sent)
    async with serve(app) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page()
        page.set_default_timeout(5000)
        troubles: list[str] = []
        page.on("console", lambda message: troubles.append(message.text))
        await page.goto(url + link("wrong_fix"))
        assert sent.records == []
        await page.fill("input[name=author]", "Anna")
        await page.fill("input[name=text]", "we use VPA")
        await page.click("button")
        await page.wait_for_selector("text=It counts against this kind of fix.")
        await browser.close()
    assert troubles == []
    (event,) = sent.records
    assert isinstance(event, MergeRequestEvent)
    assert event.feedback is not None
    assert (event.feedback.about, event.feedback.text) == ("fix", "we use VPA")


@pytest.mark.browser
async def test_what_is_half_typed_outlives_the_pages_refresh(
    engine: Engine, sent: Sent, tmp_path: Path
) -> None:
    need_browser()
    from playwright.async_api import async_playwright

    projection = SqlProjection(engine)
    for record in full()[:-1]:  # no outcome yet: the page moves
        await projection.keep(BY_MODEL[type(record)].name, record)
    app = build_app(ports(projection, refresh_s=1), sent)
    async with serve(app) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1200, "height": 800})
        page.set_default_timeout(5000)
        await page.goto(f"{url}/incidents/{INCIDENT}")
        async with page.expect_navigation():  # it loads itself again
            pass
        await page.screenshot(path=tmp_path / "moving.png", full_page=True)
        await page.click("text=Give feedback")
        await page.fill("input[name=text]", "half ty")
        await page.wait_for_timeout(2500)
        assert await page.input_value("input[name=text]") == "half ty"
        await page.screenshot(path=tmp_path / "still.png", full_page=True)
        await page.click("button[value=bad]")
        await page.wait_for_url("**thanks=true**")
        await browser.close()
    assert [
        e.feedback.text for e in sent.records if isinstance(e, MergeRequestEvent) and e.feedback
    ] == ["half ty"]


@pytest.mark.browser
@pytest.mark.parametrize(("language", "said"), [("en", "did not hold"), ("fr", "n'a pas tenu")])
async def test_a_browser_is_led_to_an_attempt_and_sees_where_each_stands(
    retried: SqlProjection, sent: Sent, language: str, said: str
) -> None:
    need_browser()
    from playwright.async_api import async_playwright

    door = replace(ports(retried), language=language)
    async with serve(build_app(door, sent)) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for width in (1440, 390):
            page = await browser.new_page(viewport={"width": width, "height": 900})
            page.set_default_timeout(5000)
            await page.goto(f"{url}/incidents/{SECOND}")
            assert page.url == f"{url}/incidents/{INCIDENT}#attempt-2"
            assert await page.locator("h1 .tag.held").count() == 1
            assert said in await page.locator("#attempt-1 summary").inner_text()
            assert await page.locator("#attempt-2 .tag.held").is_visible()
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width
            await page.goto(f"{url}/incidents?state=held")
            assert await page.locator("tbody tr .tag.held").count() == 1
        await browser.close()


@pytest.mark.browser
async def test_a_browser_runs_nothing_of_what_came_from_outside(engine: Engine, sent: Sent) -> None:
    need_browser()
    from playwright.async_api import async_playwright

    hostile = (
        "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    )
    projection = SqlProjection(engine)
    for record in full(lambda text: hostile + text):
        await projection.keep(BY_MODEL[type(record)].name, record)
    async with serve(build_app(ports(projection), sent)) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page()
        await page.goto(f"{url}/incidents/{INCIDENT}")
        assert "owned" not in await page.title()
        assert await page.locator("main img").count() == 0
        await browser.close()


@pytest.mark.parametrize(
    ("language", "nothing", "no_match", "way_back"),
    [
        ("en", "No incidents yet.", "No incident matches.", "Show all incidents"),
        ("fr", "Pas encore d&#39;incident.", "Aucun incident ne correspond.", "Afficher tous les"),
    ],
)
async def test_a_filter_without_a_hit_says_so_and_leads_back_to_all(
    projection: SqlProjection, language: str, nothing: str, no_match: str, way_back: str
) -> None:
    listed = await projection.listed(where={"service": "none-such"}, limit=9, offset=0)
    assert listed == []
    page = Pages(language).listing(listed, {"service": "none-such"}, 0, False)
    assert no_match in page
    assert f'<a href="/incidents">{way_back}' in page
    assert nothing not in page
    empty = Pages(language).listing([], {}, 0, False)
    assert nothing in empty
    assert no_match not in empty


async def test_where_incidents_are_of_several_clusters_the_list_says_of_which(
    projection: SqlProjection,
) -> None:
    (one,) = await projection.listed(where={}, limit=9, offset=0)
    assert await projection.listed(where={"cluster": "nowhere"}, limit=9, offset=0) == []
    places = [replace(one, facts={**one.facts, "cluster": name}) for name in ("eu-<b>", "us-1")]
    page = Pages("en").listing(places, {"cluster": "us-1"}, 0, False)
    assert "eu-&lt;b&gt;" in page
    assert page.count("us-1") == 2
    assert "us-1" not in Pages("en").listing(places[1:], {}, 0, False)


async def test_a_french_page_has_french_colons_and_no_english_environment(
    projection: SqlProjection,
) -> None:
    story = await projection.story(INCIDENT)
    assert story is not None
    page = Pages("fr").incident(story, refresh=0, thanks=False)
    assert "Retour arrière : " in page
    assert "Retour arrière: " not in page
    listed = await projection.listed(where={}, limit=9, offset=0)
    nowhere = [replace(one, facts={**one.facts, "environment": "unknown"}) for one in listed]
    assert "<td>inconnu</td>" in Pages("fr").listing(nowhere, {}, 0, False)
    assert "<td>unknown</td>" in Pages("en").listing(nowhere, {}, 0, False)


async def test_what_could_not_be_read_has_a_page_newest_first_and_is_inert(
    projection: SqlProjection, url: str
) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        assert "could be read and worked on" in (await client.get("/dead-letters")).text
        for number, title in enumerate(("older", "<script>alert(1)</script>")):
            letter = DeadLetter(
                event_id=f"dl-{number}",
                occurred_at=datetime(2026, 3, 1, 10 + number, tzinfo=UTC),
                first_seen=datetime(2026, 3, 1, tzinfo=UTC),
                topic="alerts.raw",
                stage="ingest",
                reason="not_json",
                message="at line 3 column 12",
                rule_id="4711",
                title=title,
            )
            await projection.keep("dead.letters", letter)
        page = (await client.get("/dead-letters")).text
        assert page.index("&lt;script&gt;") < page.index("older")
        assert "<script>" not in page
        assert "the text is no JSON" in page
        assert "line 3 column 12" in page
        told = (await client.get("/dead-letters.json")).json()["dead_letters"]
        assert [one["title"] for one in told] == ["<script>alert(1)</script>", "older"]
        assert "dead-letters" in (await client.get("/incidents")).text


async def test_an_incident_that_was_given_up_says_so(projection: SqlProjection, url: str) -> None:
    letter = DeadLetter(
        event_id="dl-9",
        occurred_at=datetime(2026, 3, 1, tzinfo=UTC),
        first_seen=datetime(2026, 3, 1, tzinfo=UTC),
        topic="plans.candidate",
        stage="safety",
        reason="defect",
        message="a rule broke",
        incident_id="inc-given-up",
    )
    await projection.keep("dead.letters", letter)
    async with httpx.AsyncClient(base_url=url) as client:
        page = (await client.get("/incidents/inc-given-up")).text
    assert "given up" in page
    assert "a rule broke" in page

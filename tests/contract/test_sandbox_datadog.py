"""Datadog's official client drives the sandbox's Datadog."""

from __future__ import annotations

import json
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from datadog_api_client import AsyncApiClient, Configuration
from datadog_api_client.exceptions import ApiException
from datadog_api_client.v1.api.events_api import EventsApi
from datadog_api_client.v1.api.metrics_api import MetricsApi
from datadog_api_client.v1.api.monitors_api import MonitorsApi
from datadog_api_client.v1.api.webhooks_integration_api import WebhooksIntegrationApi
from datadog_api_client.v1.model.webhooks_integration import WebhooksIntegration
from datadog_api_client.v1.model.webhooks_integration_update_request import (
    WebhooksIntegrationUpdateRequest,
)
from datadog_api_client.v2.api.downtimes_api import DowntimesApi
from datadog_api_client.v2.api.events_api import EventsApi as EventsApiV2
from datadog_api_client.v2.api.logs_api import LogsApi
from datadog_api_client.v2.api.metrics_api import MetricsApi as MetricsApiV2
from datadog_api_client.v2.model.logs_list_request import LogsListRequest
from datadog_api_client.v2.model.logs_list_request_page import LogsListRequestPage
from datadog_api_client.v2.model.logs_query_filter import LogsQueryFilter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import datadog as sandbox_datadog
from sandbox.datadog.metrics import Timeline
from sandbox.datadog.notify import notify
from sandbox.datadog.state import (
    CustomVariable,
    Datadog,
    Downtime,
    LogLine,
    Monitor,
    StoredTimelines,
    Webhook,
)
from sandbox.faults import Fault, Faults
from sandbox.serving import serve

GROUP = "kube_namespace:shop,kube_deployment:checkout"
TAGS = {"kube_namespace": "shop", "kube_deployment": "checkout"}


def organisation() -> Datadog:
    lines = [
        Timeline(
            "kubernetes.memory.usage",
            {**TAGS, "pod_name": f"checkout-{n}"},
            lambda at, n=n: 100.0 * (n + 1) + math.floor(at) % 2 * 0,
            "byte",
        )
        for n in range(2)
    ]
    lines.append(
        Timeline("kubernetes.memory.limits", {**TAGS, "pod_name": "checkout-0"}, lambda _: 400.0)
    )
    dd = Datadog(metrics=StoredTimelines(lines))
    dd.monitors[42] = Monitor(
        42,
        "Memory of checkout is close to its limit",
        "avg(last_5m):avg:kubernetes.memory.usage{kube_namespace:shop} by {kube_namespace,kube_deployment} > 300",
        "Look at it. @webhook-kfix",
        tags=("env:prod", "team:shop"),
        thresholds={"critical": 300.0, "warning": 250.0},
    )
    now = time.time()
    dd.logs.extend(
        LogLine(
            now - 300 + n,
            f"line {n}",
            "checkout",
            "error" if n % 5 == 0 else "info",
            tags=("kube_namespace:shop", f"pod_name:checkout-{n % 2}"),
        )
        for n in range(25)
    )
    return dd


@asynccontextmanager
async def client(
    dd: Datadog, faults: Faults | None = None, **options: Any
) -> AsyncIterator[AsyncApiClient]:
    async with serve(sandbox_datadog.create_app(dd, faults)) as url:
        configuration = Configuration(host=url, **options)
        configuration.api_key["apiKeyAuth"] = dd.api_key
        configuration.api_key["appKeyAuth"] = dd.app_key
        async with AsyncApiClient(configuration) as api:
            yield api


async def test_a_wrong_key_is_refused_with_403() -> None:
    dd = organisation()
    async with client(dd) as api:
        api.configuration.api_key["apiKeyAuth"] = "wrong"
        with pytest.raises(ApiException) as refused:
            await MonitorsApi(api).get_monitor(42)
    assert refused.value.status == 403


async def test_a_monitor_shows_its_query_thresholds_and_group_states() -> None:
    dd = organisation()
    sandbox_datadog.change_state(dd, dd.monitors[42], GROUP, "Triggered")
    async with client(dd) as api:
        found = await MonitorsApi(api).get_monitor(42, group_states="all")
        hidden = await MonitorsApi(api).get_monitor(42)
        listed = await MonitorsApi(api).list_monitors(monitor_tags="team:shop")
        searched = await MonitorsApi(api).search_monitors(query='status:Alert "checkout"')
        with pytest.raises(ApiException) as missing:
            await MonitorsApi(api).get_monitor(43)
    assert found.options.thresholds.critical == 300.0
    assert str(found.overall_state) == "Alert"
    assert str(found.state.groups[GROUP].status) == "Alert"
    assert "state" not in hidden.to_dict()
    assert [m.id for m in listed] == [42]
    assert [m.id for m in searched.monitors] == [42]
    assert missing.value.status == 404
    assert not any(m._unparsed for m in (found, hidden, searched))


async def test_an_event_is_found_by_its_id_and_by_search_and_names_its_monitor() -> None:
    dd = organisation()
    event = sandbox_datadog.change_state(dd, dd.monitors[42], GROUP, "Triggered")
    now = int(time.time())
    async with client(dd) as api:
        one = await EventsApi(api).get_event(event.id)
        listed = await EventsApi(api).list_events(now - 60, now + 60, tags="team:shop")
        newer = await EventsApiV2(api).list_events(filter_query="source:alert @monitor.id:42")
        none = await EventsApiV2(api).list_events(filter_query="@monitor.id:43")
        with pytest.raises(ApiException) as missing:
            await EventsApi(api).get_event(1)
    assert one.event.title == f"[Triggered on {{{GROUP}}}] Memory of checkout is close to its limit"
    assert "/monitors/42?" in one.event.text
    assert [e.id for e in listed.events] == [event.id]
    inner = newer.data[0].attributes.attributes
    assert (inner.monitor_id, inner.monitor.id, inner.monitor_groups) == (42, 42, [GROUP])
    assert none.data == []
    assert missing.value.status == 404
    assert not newer._unparsed


async def test_metrics_are_filtered_grouped_and_combined() -> None:
    now = int(time.time())
    async with client(organisation()) as api:
        by_pod = await MetricsApi(api).query_metrics(
            now - 600, now, "avg:kubernetes.memory.usage{kube_namespace:shop} by {pod_name}"
        )
        ratio = await MetricsApi(api).query_metrics(
            now - 600,
            now,
            "max:kubernetes.memory.usage{pod_name:checkout-*} / max:kubernetes.memory.limits{*} * 100",
        )
        nothing = await MetricsApi(api).query_metrics(now - 600, now, "avg:no.such.metric{*}")
        with pytest.raises(ApiException) as bad:
            await MetricsApi(api).query_metrics(now - 600, now, "avg:oops{")
    series = {s.scope.split(",")[0]: [p.value[1] for p in s.pointlist] for s in by_pod.series}
    assert {name: set(values) for name, values in series.items()} == {
        "pod_name:checkout-0": {100.0},
        "pod_name:checkout-1": {200.0},
    }
    assert by_pod.series[0].pointlist[0].value[0] > 1e12  # milliseconds
    assert {p.value[1] for p in ratio.series[0].pointlist} == {50.0}
    assert nothing.series == []
    assert bad.value.status == 400


async def test_timeseries_and_scalar_formulas_answer_in_milliseconds() -> None:
    from datadog_api_client.v2.model.metrics_aggregator import MetricsAggregator
    from datadog_api_client.v2.model.metrics_data_source import MetricsDataSource
    from datadog_api_client.v2.model.metrics_scalar_query import MetricsScalarQuery
    from datadog_api_client.v2.model.metrics_timeseries_query import MetricsTimeseriesQuery
    from datadog_api_client.v2.model.query_formula import QueryFormula
    from datadog_api_client.v2.model.scalar_formula_query_request import ScalarFormulaQueryRequest
    from datadog_api_client.v2.model.scalar_formula_request import ScalarFormulaRequest
    from datadog_api_client.v2.model.scalar_formula_request_attributes import (
        ScalarFormulaRequestAttributes,
    )
    from datadog_api_client.v2.model.scalar_formula_request_queries import (
        ScalarFormulaRequestQueries,
    )
    from datadog_api_client.v2.model.scalar_formula_request_type import ScalarFormulaRequestType
    from datadog_api_client.v2.model.timeseries_formula_query_request import (
        TimeseriesFormulaQueryRequest,
    )
    from datadog_api_client.v2.model.timeseries_formula_request import TimeseriesFormulaRequest
    from datadog_api_client.v2.model.timeseries_formula_request_attributes import (
        TimeseriesFormulaRequestAttributes,
    )
    from datadog_api_client.v2.model.timeseries_formula_request_queries import (
        TimeseriesFormulaRequestQueries,
    )
    from datadog_api_client.v2.model.timeseries_formula_request_type import (
        TimeseriesFormulaRequestType,
    )

    end = int(time.time() * 1000)
    span = {"_from": end - 600_000, "to": end, "formulas": [QueryFormula(formula="a * 2")]}
    query = {
        "data_source": MetricsDataSource.METRICS,
        "name": "a",
        "query": "sum:kubernetes.memory.usage{*} by {kube_deployment}",
    }
    async with client(organisation()) as api:
        metrics = MetricsApiV2(api)
        lines = await metrics.query_timeseries_data(
            TimeseriesFormulaQueryRequest(
                TimeseriesFormulaRequest(
                    TimeseriesFormulaRequestAttributes(
                        interval=60_000,
                        queries=TimeseriesFormulaRequestQueries([MetricsTimeseriesQuery(**query)]),
                        **span,
                    ),
                    TimeseriesFormulaRequestType.TIMESERIES_REQUEST,
                )
            )
        )
        columns = await metrics.query_scalar_data(
            ScalarFormulaQueryRequest(
                ScalarFormulaRequest(
                    ScalarFormulaRequestAttributes(
                        queries=ScalarFormulaRequestQueries(
                            [MetricsScalarQuery(aggregator=MetricsAggregator.MAX, **query)]
                        ),
                        **span,
                    ),
                    ScalarFormulaRequestType.SCALAR_REQUEST,
                )
            )
        )
    got = lines.data.attributes
    assert set(got.values.value[0].value) == {600.0}
    assert all(t % 60_000 == 0 for t in got.times.value)
    names = [c.name for c in columns.data.attributes.columns]
    assert names == ["kube_deployment", "formula0"]
    assert list(columns.data.attributes.columns[1].values) == [600.0]
    assert not lines._unparsed
    assert not columns._unparsed


async def test_logs_are_paged_by_cursor_without_loss_or_repetition() -> None:
    seen: list[str] = []
    async with client(organisation()) as api:
        cursor: str | None = None
        while True:
            page = LogsListRequestPage(limit=10, **({"cursor": cursor} if cursor else {}))
            request = LogsListRequest(
                filter=LogsQueryFilter(
                    query="service:checkout -status:error", _from="now-15m", to="now"
                ),
                page=page,
            )
            answer = await LogsApi(api).list_logs(body=request)
            seen.extend(line.attributes.message for line in answer.data)
            cursor = answer.meta.page.after if "page" in answer.meta else None
            if cursor is None:
                break
        dated = await LogsApi(api).list_logs(
            body=LogsListRequest(
                filter=LogsQueryFilter(
                    query='"line 7"',
                    _from=(datetime.now(UTC) - timedelta(hours=1)).isoformat(),
                    to=datetime.now(UTC).isoformat(),
                )
            )
        )
    assert seen == [f"line {n}" for n in reversed(range(25)) if n % 5]
    assert [line.attributes.message for line in dated.data] == ["line 7"]


async def test_a_rate_limit_answers_429_with_its_headers_and_the_client_waits_it_out() -> None:
    dd = organisation()
    dd.limit_of("monitor").limit = 1
    async with client(dd) as api:
        await MonitorsApi(api).get_monitor(42)
        with pytest.raises(ApiException) as limited:
            await MonitorsApi(api).get_monitor(42)
    headers = {name.lower(): value for name, value in limited.value.headers.items()}
    assert limited.value.status == 429
    assert headers["x-ratelimit-remaining"] == "0"
    assert headers["x-ratelimit-name"] == "monitor"

    faults = Faults()
    faults.switch_on(Fault("datadog", "rate_limited", "/monitor/", times=1))
    async with client(organisation(), faults, enable_retry=True, max_retries=2) as api:
        assert (await MonitorsApi(api).get_monitor(42)).id == 42
    assert faults.count("datadog", "GET", "/monitor/42") == 2


@pytest.mark.parametrize("kind", ["error", "malformed", "down"])
async def test_a_fault_reaches_the_client_as_an_exception(kind: Any) -> None:
    faults = Faults()
    faults.switch_on(Fault("datadog", kind))
    async with client(organisation(), faults) as api:
        with pytest.raises(Exception):  # noqa: B017, PT011  the client's own variety is the point
            await MonitorsApi(api).get_monitor(42)
        faults.clear()
        assert (await MonitorsApi(api).get_monitor(42)).id == 42


async def test_webhooks_and_variables_are_managed_and_secrets_stay_hidden() -> None:
    dd = organisation()
    async with client(dd) as api:
        hooks = WebhooksIntegrationApi(api)
        made = await hooks.create_webhooks_integration(
            WebhooksIntegration(
                name="kfix", url="http://127.0.0.1:1/x", custom_headers='{"a": "b"}'
            )
        )
        with pytest.raises(ApiException) as twice:
            await hooks.create_webhooks_integration(
                WebhooksIntegration(name="kfix", url="http://127.0.0.1:1/x")
            )
        await hooks.update_webhooks_integration(
            "kfix", WebhooksIntegrationUpdateRequest(payload='{"id": "$ID"}')
        )
        read = await hooks.get_webhooks_integration("kfix")
        dd.variables["KFIX_TOKEN"] = CustomVariable("KFIX_TOKEN", "s3cret", True)
        variable = await hooks.get_webhooks_integration_custom_variable("KFIX_TOKEN")
        await hooks.delete_webhooks_integration("kfix")
        with pytest.raises(ApiException) as gone:
            await hooks.get_webhooks_integration("kfix")
    assert str(made.encode_as) == "json"
    assert (read.payload, read.custom_headers) == ('{"id": "$ID"}', '{"a": "b"}')
    assert twice.value.status == 400
    assert gone.value.status == 404
    assert "value" not in variable.to_dict()


async def test_downtimes_are_listed_and_matched_to_a_monitor() -> None:
    dd = organisation()
    dd.downtimes.append(Downtime("d-1", "env:prod", time.time() - 60, None, 42, "deploy"))
    async with client(dd) as api:
        listed = await DowntimesApi(api).list_downtimes(current_only=True)
        matching = await DowntimesApi(api).list_monitor_downtimes(42)
        others = await DowntimesApi(api).list_monitor_downtimes(43)
    assert listed.data[0].attributes.monitor_identifier.monitor_id == 42
    assert [m.id for m in matching.data] == ["d-1"]
    assert others.data == []


class Receiver:
    """A webhook's receiver that fails ``failures`` times first."""

    def __init__(self, failures: int = 0, status: int = 202) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self._failures, self._status = failures, status
        self.app = Starlette(routes=[Route("/hook", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        self.requests.append((dict(request.headers), await request.body()))
        return Response(status_code=503 if len(self.requests) <= self._failures else self._status)


async def test_the_native_payload_has_no_tags_and_is_valid_json() -> None:
    dd, receiver = organisation(), Receiver()
    dd.monitors[42].message = 'He said "no"\nand left. @webhook-kfix'
    async with serve(receiver.app) as url:
        dd.webhooks["kfix"] = Webhook("kfix", f"{url}/hook", None, '{"X-Token": "t"}')
        event, deliveries = await notify(dd, 42, GROUP, "Triggered")
    headers, body = receiver.requests[0]
    payload = json.loads(body)
    assert set(payload) == {"body", "last_updated", "event_type", "title", "date", "org", "id"}
    assert payload["id"] == str(event.id)
    assert payload["date"].isdigit()
    assert len(payload["date"]) == 13
    assert headers["x-token"] == "t"
    assert [(d.status, d.attempts) for d in deliveries] == [(202, 1)]


async def test_a_template_is_filled_and_a_recovery_has_its_alerts_cycle_key() -> None:
    dd, receiver = organisation(), Receiver()
    template = '{"t": "$ALERT_TRANSITION", "m": $ALERT_ID, "k": "$ALERT_CYCLE_KEY", "e": "$TAGS[env]", "x": "$NO_SUCH"}'
    async with serve(receiver.app) as url:
        dd.webhooks["kfix"] = Webhook("kfix", f"{url}/hook", template)
        for transition in ("Triggered", "Recovered"):
            await notify(dd, 42, GROUP, transition)  # type: ignore[arg-type]
    alert, recovery = (json.loads(body) for _, body in receiver.requests)
    assert (alert["t"], recovery["t"]) == ("Triggered", "Recovered")
    assert alert["k"] == recovery["k"]
    assert (alert["m"], alert["e"], alert["x"]) == (42, "prod", "$NO_SUCH")


@pytest.mark.parametrize(
    ("failures", "status", "attempts"), [(2, 202, 3), (0, 400, 1), (99, 202, 6)]
)
async def test_delivery_is_retried_on_5xx_only_and_not_for_ever(
    failures: int, status: int, attempts: int
) -> None:
    dd, receiver = organisation(), Receiver(failures, status)
    async with serve(receiver.app) as url:
        dd.webhooks["kfix"] = Webhook("kfix", f"{url}/hook")
        _, deliveries = await notify(dd, 42, GROUP, "Triggered", backoff_s=0.001)
    assert deliveries[0].attempts == attempts == len(receiver.requests)


async def test_events_and_states_are_found_when_they_are_indexed_and_the_webhook_is_faster() -> (
    None
):
    now = time.time()
    dd = organisation()
    dd.index_s, dd.clock = 5.0, lambda: now
    event = sandbox_datadog.change_state(dd, dd.monitors[42], GROUP, "Triggered")
    async with client(dd) as api:
        before = await MonitorsApi(api).get_monitor(42, group_states="all")
        unseen = await EventsApiV2(api).list_events(filter_query=f"@evt.id:{event.id}")
        with pytest.raises(ApiException) as missing:
            await EventsApi(api).get_event(event.id)
        now += 5
        after = await MonitorsApi(api).get_monitor(42, group_states="all")
        seen = await EventsApiV2(api).list_events(filter_query=f"@evt.id:{event.id}")
    assert (str(before.overall_state), str(before.state.groups[GROUP].status)) == ("OK", "OK")
    assert (str(after.overall_state), str(after.state.groups[GROUP].status)) == ("Alert", "Alert")
    assert (len(unseen.data), missing.value.status, len(seen.data)) == (0, 404, 1)


async def test_monitors_come_by_page_or_after_an_id() -> None:
    dd = organisation()
    for number in range(1, 8):
        dd.monitors[number] = Monitor(number, f"m{number}", "avg:x{*} > 1")
    async with client(dd) as api:
        monitors = MonitorsApi(api)
        every = [m.id for m in await monitors.list_monitors()]
        second = [m.id for m in await monitors.list_monitors(page=1, page_size=3)]
        walked: list[int] = []
        while found := await monitors.list_monitors(
            id_offset=walked[-1] if walked else 0, page_size=3
        ):
            walked += [m.id for m in found]
    assert every == walked == [1, 2, 3, 4, 5, 6, 7, 42]
    assert second == [4, 5, 6]


async def test_logs_are_searched_in_the_indexes_that_are_named() -> None:
    dd = organisation()
    dd.logs.append(LogLine(time.time() - 5, "archived", "checkout", index="slow"))
    async with client(dd) as api:
        logs = LogsApi(api)
        found = {
            index: [
                line.attributes.message
                for line in (
                    await logs.list_logs_get(
                        filter_query="archived", **({"filter_indexes": [index]} if index else {})
                    )
                ).data
            ]
            for index in ("", "slow", "main")
        }
    assert found == {"": ["archived"], "slow": ["archived"], "main": []}


async def test_percentiles_are_those_of_distributions_that_have_them() -> None:
    now = int(time.time())
    tags = {"service": "api", "env": "prod"}
    dd = organisation()
    dd.metrics = StoredTimelines(
        [
            Timeline("trace.a", tags, lambda _: 0.2, "second", "distribution", percentiles=True),
            Timeline("trace.b", tags, lambda _: 0.2, "second", "distribution"),
            Timeline("trace.a.hits", tags, lambda at: 3.0 if at % 40 else None, "", "count"),
        ]
    )
    async with client(dd) as api:
        metrics = MetricsApi(api)
        high = await metrics.query_metrics(now - 600, now, "p95:trace.a{service:api,env:prod}")
        by_namespace = await metrics.query_metrics(now - 600, now, "p95:trace.a{kube_namespace:x}")
        hits = await metrics.query_metrics(now - 600, now, "sum:trace.a.hits{*}.as_count()")
        named = await metrics.list_active_metrics(now - 600, tag_filter="service:api AND env:prod")
        other = await metrics.list_active_metrics(now - 600, tag_filter="service:api AND env:dev")
        for refused in ("p95:trace.b{*}", "p95:kubernetes.memory.usage{*}", "p95:trace.a.hits{*}"):
            if refused.startswith("p95:kubernetes"):  # an unknown metric has no series and no error
                assert (await metrics.query_metrics(now - 600, now, refused)).series == []
                continue
            with pytest.raises(ApiException) as failed:
                await metrics.query_metrics(now - 600, now, refused)
            assert failed.value.status == 400
    assert high.series[0].pointlist[0].value[1] > 0.3
    assert by_namespace.series == []
    values = [p.value[1] for p in hits.series[0].pointlist]
    assert {v for v in values if v} == {30.0}
    assert None in values
    assert named.metrics == ["trace.a", "trace.a.hits", "trace.b"]
    assert other.metrics == []

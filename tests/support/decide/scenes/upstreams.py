"""Caches, brokers, upstreams and hosts of the outside world: whom a line is about, and who complains how much."""

from __future__ import annotations

from tests.support.decide.clusters import Cluster
from tests.support.decide.scenes import scene
from tests.support.decide.scenes.arranging import beside

_FAMILY = "upstreams"
_CACHE = "redis: Unable to connect"
_BROKER = "Broker may not be available"
_IMAGES = {"cache": "registry.example/redis:7", "broker": "registry.example/kafka:3"}
_LINES = {"cache": _CACHE, "broker": _BROKER}


def _kind(
    told: str, image: str, port: int | None = None, line: str = _CACHE, *, second: str = ""
) -> None:
    """What a workload is told to be: a caller that complains blames it if it is of the kind."""

    @scene(_FAMILY, f"a caller complains, the only other workload {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        c.container(app)["image"] = image
        c.container(app)["ports"] = [{"containerPort": port}] if port else []
        if second:
            beside(c, app)["image"] = second
        c.log("bystander", line)


for _name in ("redis", "valkey", "keydb", "dragonfly", "memcached"):
    _kind(f"is {_name} by its image", f"registry.example/{_name}:7")
for _name in (
    "kafka",
    "redpanda",
    "rabbitmq",
    "nats",
    "pulsar",
    "activemq",
    "artemis",
    "mosquitto",
    "emqx",
):
    _kind(f"is {_name} by its image", f"registry.example/{_name}:7", line=_BROKER)
for _port in (6378, 6379, 6380, 6381, 11210, 11211, 11212):
    _kind(f"listens at {_port}", "registry.example/shop:1", _port)
for _port in (9091, 9092, 9093, 9094, 9095, 29092, 5672, 5671, 5670, 4222, 6650, 61616, 1883):
    _kind(f"listens at {_port}", "registry.example/shop:1", _port, _BROKER)
_kind("is known by a digest", "registry.example/redis@sha256:0123", None)
_kind("has a kind's name in its registry alone", "redis.example/shop:1", None)
_kind("has a kind's name inside its own", "registry.example/mykafka:1", None, _BROKER)
_kind("has a kind's name behind a hyphen", "registry.example/bitnami-kafka:1", None, _BROKER)
_kind("only measures a cache", "registry.example/redis-exporter:1", 6379)
_kind(
    "measures a cache beside it",
    "registry.example/redis-exporter:1",
    None,
    second="registry.example/redis:7",
)
_kind(
    "has a sidecar that is a cache",
    "registry.example/shop:1",
    80,
    second="registry.example/redis:7",
)
_kind("is a broker by its image and a cache by its port", "registry.example/kafka:3", 6379, _BROKER)


def _callers(
    kind: str,
    told: str,
    *,
    count: int = 1,
    sick: int = 0,
    down: bool = False,
    line: str = "",
    servers: int = 1,
    named: int | None = None,
    called: int | None = None,
    keeper: bool = False,
    own: bool = False,
    varied: bool = False,
) -> None:
    """``count`` callers complain; the line names a server, or the callers are set to call one."""

    @scene(_FAMILY, f"a {kind} fails: {told}", varied=varied)
    def _(c: Cluster, app: str) -> None:
        names = [f"server-{n}" for n in range(servers)]
        for name in names:
            c.app(name, image=_IMAGES[kind])
        if keeper:
            c.app("zookeeper", image="registry.example/zookeeper:3")
        if down:
            c.stopped(names[0])
        callers = [app, *(f"caller-{n}" for n in range(count - 1))]
        for n, caller in enumerate(callers):
            if n:
                c.app(caller)
            if n < sick:
                c.stopped(caller)
            about = f" at {names[named]}:80" if named is not None else ""
            if called is not None:
                c.calls(caller, names[called])
            said = line or _LINES[kind]
            c.log(caller, f"{said}{about} 1", f"{said}{about} 2")
        if own:
            c.log(names[0], _LINES[kind])


for _which in ("cache", "broker"):
    _callers(_which, "one caller says so", varied=True)
    _callers(_which, "nobody knows any", servers=0)
    _callers(_which, "nobody knows any, and the callers are down", servers=0, count=5, sick=1)
    _callers(_which, "there are two, and nobody knows which", servers=2)
    _callers(_which, "there are two, and the line names the second", servers=2, named=1)
    _callers(_which, "there are two, and the second is called", servers=2, called=1)
    _callers(
        _which,
        "there are two, the line names the first and the second is called",
        servers=2,
        named=0,
        called=1,
    )
_callers("cache", "two callers say so", count=2)
_callers("cache", "three callers say so", count=3)
_callers("cache", "four callers say so, one of them is down", count=4, sick=1)
_callers("cache", "it has no ready pod", down=True, sick=1)
_callers("cache", "it says why", line="MISCONF Redis is configured to save RDB; redis refused")
_callers("cache", "it loads", line="LOADING Redis is loading the dataset in memory", down=True)
_callers("broker", "its keeper is none itself", keeper=True)
_callers("cache", "itself says so", own=True, servers=1, count=1)
_callers(
    "broker",
    "it says of an alarm",
    line="amqp: connection closed: connection.blocked resource alarm",
)


def _alarm(told: str, image: str, *lines: str) -> None:
    @scene(_FAMILY, f"it says that it blocks its producers, {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        c.container(app)["image"] = image
        c.log(app, *lines)


_ALARMS = (
    "memory resource limit alarm set on node a",
    "disk resource limit alarm set on node b",
    "memory resource limit alarm set on node c",
)
_alarm("being a broker", "registry.example/rabbitmq:3", *_ALARMS)
_alarm("being something else", "registry.example/shop:3", *_ALARMS)
_alarm("or something else, being a broker", "registry.example/rabbitmq:3", "all is well")


@scene(_FAMILY, "callees answer with errors: the three that are named most are told")
def _(c: Cluster, app: str) -> None:
    for n in range(4):
        c.app(f"callee-{n}")
    for n in range(4):
        lines = [f"GET http://callee-{n}/items/{k}: 503 Service Unavailable" for k in range(n + 1)]
        c.log("bystander" if n % 2 else app, *lines)


@scene(_FAMILY, "many lines of one callee: the last twenty are looked at")
def _(c: Cluster, app: str) -> None:
    for name in ("first", "second", "third", "fourth"):
        c.app(name)
    lines = [f"GET http://first/{n}: 503 Service Unavailable" for n in range(5)]
    lines += [f"GET http://second/{n}: 503 Service Unavailable" for n in range(6)]
    lines += [f"GET http://third/{n}: 503 Service Unavailable" for n in range(7)]
    lines += [f"GET http://fourth/{n}: 503 Service Unavailable" for n in range(7)]
    c.log(app, *lines)


@scene(_FAMILY, "a line about errors names two callees, one's own and nobody")
def _(c: Cluster, app: str) -> None:
    c.app("one")
    c.app("two")
    c.log(
        app,
        f"GET http://one/ via two as {app}: 502 Bad Gateway",
        "503 Service Unavailable of nobody",
    )


def _outside(
    told: str,
    *lines: str,
    env: tuple[str, ...] = (),
    down: bool = False,
    services: tuple[str, ...] = (),
    varied: bool = False,
) -> None:
    @scene(_FAMILY, f"the outside world: {told}", varied=varied)
    def _(c: Cluster, app: str) -> None:
        c.container(app)["env"] = [{"name": f"A{n}_URL", "value": v} for n, v in enumerate(env)]
        for name in services:
            short, _, space = name.partition(".")
            c.add("services", short, kind="Service")["metadata"]["namespace"] = space or c.namespace
        c.log(app, *lines)
        if down:
            c.stopped(app)


_TIMES = 'Get "https://api.pay.example.com/v1": dial tcp 203.0.113.9:443: i/o timeout'
_outside("a host does not answer", _TIMES, varied=True)
_outside("a host does not answer, and it is down", _TIMES, down=True)
_outside(
    "a configured host does not answer, and it is down",
    _TIMES,
    env=("https://api.pay.example.com",),
    down=True,
)
_outside(
    "a configured host of another kind does not answer",
    "dial tcp api.pay.internal:443: i/o timeout",
    env=("https://api.pay.internal",),
)
_outside("a host of another kind does not answer", "dial tcp api.pay.internal:443: i/o timeout")
_outside(
    "a configured host of the cluster",
    "dial tcp a.b.svc:443: i/o timeout, c.local: i/o timeout",
    env=("http://a.b.svc", "http://c.local"),
)
_outside(
    "the longest of two hosts is told",
    "proxy.example.com to a.example.com: i/o timeout",
    "all is well",
)
_outside(
    "the last line that names a host is told",
    f"{_TIMES} 1",
    "API.other.ORG: connection refused",
    "read: i/o timeout",
)
_outside(
    "a Service with that name in that namespace",
    "dial tcp web.io:80: i/o timeout",
    services=("web.io",),
)
_outside("a Service with that name here", "dial tcp web.io:80: i/o timeout", services=("web",))
_outside(
    "a name of the cluster with its domain", "dial tcp web.shop.svc.example.com:80: i/o timeout"
)
_outside(
    "twenty lines of others stand behind it",
    _TIMES,
    *(f"read tcp {n}: i/o timeout" for n in range(19)),
)
_outside(
    "twenty-one lines of others stand behind it",
    _TIMES,
    *(f"read tcp {n}: i/o timeout" for n in range(20)),
)
for _signal, _line in {
    "unknown": "lookup api.example.com on 1.1.1.1:53: no such host",
    "refused": "api.example.com: connection refused",
    "an error": "api.example.com: 503 Service Unavailable",
    "reset": "api.example.com: connection reset by peer",
    "denied": "api.example.com: x509: certificate has expired",
}.items():
    _outside(f"a host is {_signal}", _line)


@scene(_FAMILY, "a caller complains of one cache, then of another: the last line counts")
def _(c: Cluster, app: str) -> None:
    for n in range(3):
        c.app(f"server-{n}", image=_IMAGES["cache"])
    c.log(app, *(f"{_CACHE} at server-{n}:80" for n in range(3)))

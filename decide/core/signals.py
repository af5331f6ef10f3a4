"""Log lines that programs themselves print, as classes. Formats only; no name of any system.

Origins: MySQL error reference (1040, 1045, 1114, 1290), PostgreSQL Appendix A (28P01, 53300, 53100, 25006),
Redis (NOAUTH, WRONGPASS, READONLY, MISCONF), MongoDB (18), glibc/musl/Go/JVM/Node/Python resolvers and sockets,
Spring Boot, nginx, Envoy, gRPC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from schemas.context import LogExcerpt


@dataclass(frozen=True, slots=True)
class Hit:
    """A recognised line."""

    signal: str
    line: str
    #: What the line names: a host, a port, a variable, an address.
    subject: str = ""
    container: str = ""


_PATTERNS: tuple[tuple[str, str], ...] = (
    ("db_too_many_connections", r"Too many connections|sorry, too many clients already|remaining connection slots are reserved|ORA-00018|max number of clients reached|too many open connections|SQLSTATE\[?08004"),
    ("db_read_only", r"running with the --(?:super-)?read-only option|cannot execute \w+ in a read-only transaction|READONLY You can't write against a read only|database is in read[- ]only mode|not primary|NotWritablePrimary|attempt to write a readonly database|ORA-16000"),
    ("db_access_denied", r"Access denied for user|password authentication failed for user|NOAUTH Authentication required|WRONGPASS|Authentication failed\.?(?: .*mongo|$)|SASL authentication failed|Login failed for user|ORA-01017|ACCESS_REFUSED - Login was refused|role \"[^\"]+\" does not exist|no pg_hba\.conf entry"),
    ("disk_full", r"No space left on device|could not extend file|The table '.*' is full|ENOSPC|MISCONF Redis is configured to save RDB"),
    ("port_in_use", r"Port (?P<s1>\d+) was already in use|[Aa]ddress already in use|EADDRINUSE|bind\(\) to \S+ failed|Only one usage of each socket address"),
    ("unknown_host", r"UnknownHostException: (?P<s2>[\w.-]+)|lookup (?P<s3>[\w.-]+)(?: on \S+)?: (?:no such host|server misbehaving|i/o timeout)|getaddrinfo (?:ENOTFOUND|EAI_AGAIN) (?P<s4>[\w.-]+)|Temporary failure in name resolution|Name or service not known|Could not resolve host(?:name)?:? (?P<s5>[\w.-]+)?|nodename nor servname|Unknown (?:MySQL server )?host '(?P<s6>[\w.-]+)'|could not translate host name \"(?P<s7>[\w.-]+)\"|host not found in upstream \"(?P<s8>[\w.-]+)|DNS resolution failed for (?P<s9>[\w.-]+)|No address associated with hostname"),
    ("db_link_failure", r"Communications link failure|Can't connect to (?:MySQL|MariaDB) server|could not connect to server|connection to server at .* failed|Unable to open JDBC Connection|The Network Adapter could not establish"),
    ("connection_refused", r"[Cc]onnection refused|ECONNREFUSED|ConnectException"),
    ("denied_file", r"(?:[Pp]ermission denied|EACCES|EROFS|[Rr]ead-only file system|Operation not permitted)"),
    ("certificate", r"x509: certificate has expired|certificate has expired|certificate signed by unknown authority|CERT_HAS_EXPIRED|unable to get local issuer certificate|CertificateExpiredException|PKIX path"),
    ("heap", r"java\.lang\.OutOfMemoryError|JavaScript heap out of memory|MemoryError\b|fatal error: runtime: out of memory|std::bad_alloc|GC overhead limit exceeded"),
    ("bad_config", r"(?:invalid|unknown|unsupported|illegal|bad) (?:configuration|config|option|flag|argument|directive|value|log level)|[Cc]onfig(?:uration)?(?: file)? .{0,60}(?:not found|invalid|missing|error)|failed to (?:load|parse|read) config|\[emerg\]|unrecognized (?:argument|option|configuration)|(?:yaml|json|toml|ini): .{0,40}(?:line|unmarshal|parse|error)|Bad directive|flag provided but not defined|Could not resolve placeholder"),
    ("missing_env", r"(?:environment variable|env var|env) [\"'`]?(?P<s10>[A-Z][A-Z0-9_]{2,})[\"'`]? (?:is )?(?:not set|missing|required|undefined|must be)|[\"'`]?(?P<s11>[A-Z][A-Z0-9_]{2,})[\"'`]? (?:environment variable )?(?:is not set|must be set|is required|not defined)|KeyError: '(?P<s12>[A-Z][A-Z0-9_]+)'"),
    ("panic", r"^panic: |\bpanic: runtime error|Traceback \(most recent call last\)|Segmentation fault|SIGSEGV|Unhandled(?:PromiseRejection| exception)|fatal error: |core dumped"),
    ("api_forbidden", r"is forbidden: User \"system:serviceaccount:[^\"]+\" cannot"),
    ("mesh_denied", r"RBAC: access denied|upstream connect error or disconnect"),
    ("broker_down", r"(?:AMQP|RabbitMQ|amqp).{0,80}(?:refused|closed|unreachable|timed out)|Connection to node -?\d+ .* could not be established|Broker may not be available|NoBrokersAvailable"),
)  # fmt: skip
_COMPILED = tuple((name, re.compile(text)) for name, text in _PATTERNS)
_ANY = re.compile(
    "|".join(f"(?:{re.sub(r'[(][?]P<s[0-9]+>', '(?:', text)})" for _, text in _PATTERNS)
)


def read(logs: Iterable[LogExcerpt]) -> Iterator[Hit]:
    """Recognised lines of log excerpts; one line may give several signals."""
    for log in logs:
        for line in log.lines:
            if not _ANY.search(line):
                continue
            for name, pattern in _COMPILED:
                match = pattern.search(line)
                if match:
                    subject = next((v for v in match.groupdict().values() if v), "")
                    yield Hit(name, line[:400], subject, log.container)

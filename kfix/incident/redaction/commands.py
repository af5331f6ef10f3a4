"""Secrets on command lines, by what each program's own options mean. Pure.

Options that say their name (``--password x``) need no program; ``-p`` does: a port for one, a password for the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kfix.incident.redaction.words import any_of, harmless, lower, named

#: Options whose next word is a password, by program (its documentation's synopsis).
_NEXT: dict[str, tuple[str, ...]] = {
    "sshpass": ("-p",),
    "redis-cli": ("-a", "--pass"),
    "docker": ("-p",),
    "podman": ("-p",),
    "buildah": ("-p",),
    "skopeo": ("-p",),
    "crane": ("-p",),
    "helm": ("-p",),
    "oras": ("-p",),
    "nerdctl": ("-p",),
    "oc": ("-p",),
    "az": ("-p",),
    "cf": ("-p",),
    "argocd": (),
    "mongo": ("-p",),
    "mongosh": ("-p",),
    "mongodump": ("-p",),
    "mongorestore": ("-p",),
    "mongoexport": ("-p",),
    "mongoimport": ("-p",),
    "cqlsh": ("-p",),
    "influx": ("-p", "-t"),
    "sqlcmd": ("-P",),
    "bcp": ("-P",),
    "isql": ("-P",),
    "osql": ("-P",),
    "mosquitto_pub": ("-P",),
    "mosquitto_sub": ("-P",),
    "mosquitto_rr": ("-P",),
    "ipmitool": ("-P",),
    "ldapsearch": ("-w",),
    "ldapmodify": ("-w",),
    "ldapadd": ("-w",),
    "ldapdelete": ("-w",),
    "ldapwhoami": ("-w",),
    "ldappasswd": ("-w", "-s", "-a"),
    "zip": ("-P",),
    "unzip": ("-P",),
    "gpg": ("--passphrase",),
    "gpg2": ("--passphrase",),
    "ssh-keygen": ("-N", "-P"),
    "keytool": ("-storepass", "-keypass", "-srcstorepass", "-deststorepass", "-new"),
    "jarsigner": ("-storepass", "-keypass"),
    "snmpget": ("-c", "-A", "-X"),
    "snmpwalk": ("-c", "-A", "-X"),
    "plink": ("-pw",),
    "pscp": ("-pw",),
    "pgadmin": ("-p",),
    "psexec": ("-p",),
    "kinit.sh": ("-p",),
    "rabbitmqadmin": ("-p",),
    "clickhouse-client": ("--password",),
    "snowsql": ("-p",),
    "vsql": ("-w",),
    "nats": ("--password",),
    "kcadm.sh": ("-p", "-password"),
    "wget": ("--password", "--http-password", "--http-passwd"),
    "curl": ("--pass", "--oauth2-bearer", "--proxy-pass", "--tlspassword"),
    "impacket": ("-p",),
    "twine": ("-p",),
    "openssl": ("-k", "-K"),
    "beeline": ("-p",),
    "ncftpput": ("-p",),
    "ncftpget": ("-p",),
    "useradd": ("-p",),
    "usermod": ("-p",),
    "schtasks": ("/rp", "/RP"),
    "xfreerdp": (),
    "kadmin": ("-w", "-pw"),
    "gradle": (),
    "mvn": (),
}
#: Programs whose ``-p`` has the password joined to it.
_JOINED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            *(
                "mysql",
                "mysqldump",
                "mysqladmin",
                "mysqlimport",
                "mysqlshow",
                "mysqlcheck",
                "mysqlsh",
            ),
            *("mariadb", "mariadb-dump", "mariadb-admin", "mycli", "xtrabackup", "mysqlbinlog"),
        ),
        ("-p",),
    ),
    "sshpass": ("-p",),
    "7z": ("-p",),
    "7za": ("-p",),
    "rar": ("-p", "-hp"),
    "unrar": ("-p",),
    "sqlcmd": ("-P",),
    "mongo": ("-p",),
    "ldapsearch": ("-w",),
}
#: Options whose word is ``user:password`` (``%`` for Samba, ``,`` for lftp).
_USER: dict[str, tuple[tuple[str, ...], str]] = {
    "curl": (("-u", "--user", "-U", "--proxy-user", "-E", "--cert"), ":"),
    "http": (("-a", "--auth"), ":"),
    "https": (("-a", "--auth"), ":"),
    "xh": (("-a", "--auth"), ":"),
    "hey": (("-a",), ":"),
    "ab": (("-A", "-P"), ":"),
    "etcdctl": (("--user",), ":"),
    "smbclient": (("-U", "--user"), "%"),
    "rpcclient": (("-U", "--user"), "%"),
    "net": (("-U", "--user"), "%"),
    "winexe": (("-U", "--user"), "%"),
    "lftp": (("-u", "--user"), ","),
    "wrk": ((), ":"),
    "siege": ((), ":"),
    "elasticdump": ((), ":"),
}
#: Programs whose words stand in a fixed order: after this sub-command, so many words on.
_PLACED: dict[tuple[str, str], int] = {
    ("rabbitmqctl", "add_user"): 2,
    ("rabbitmqctl", "change_password"): 2,
    ("rabbitmqctl", "authenticate_user"): 2,
    ("vault", "login"): 1,
    ("vault", "unseal"): 1,
    ("redis-cli", "auth"): 1,
    ("auth", "login"): 9,
}
#: With the sign before it, so that a search passes over words without a try at each letter.
_PROGRAM = re.compile(
    r"[^\w.-]"
    + any_of({*_NEXT, *_JOINED, *_USER, "rabbitmqctl", "vault", "htpasswd", "openssl"})
    + r"(?![\w.-])"
)
_OPTION = re.compile(r"[ \t]--?[a-zA-Z]|\A--?[a-zA-Z]")
_ORDERED = ("rabbitmqctl ", "vault ", "redis-cli ", " auth ")
_WORD = re.compile(
    r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|(?:[^\s\"';|&]|&(?!&|\s)|;(?=\S)|\"[^\"\n]*\"|'[^'\n]*')+|[;|&]+"
)
_ENDS = re.compile(r"[;|&]+")
#: A variable that an option or a secret's name takes, as ``--token $T`` does.
_TAKEN = re.compile(
    r"(--?[A-Za-z0-9_.-]{2,64}|[A-Za-z0-9_]{2,64})[ =:]{1,2}[\"']?\$\{?([A-Za-z_]\w{0,63})\}?"
)
_TAKES = re.compile(r"\$(?:(?<=[ =:]\$)|(?<=[ =:][\"']\$))\{?[A-Za-z_]")
#: Where a secret stands in commands that take any name: what must be in the line, and what stands before the secret,
#: under a part that the marks share.
_SPOTS = tuple(
    (
        shared,
        tuple(
            (
                mark,
                re.compile(rf"{before}(?P<q>[\"']?)(?!\[masked:|\$)(?P<value>[^\s\"'|]{{4,512}})"),
            )
            for mark, before in spots
        ),
    )
    for shared, spots in (
        (
            "secret",
            (
                ("create secret", r"--from-literal[= ][\"']?[\w.-]{1,128}="),
                ("secrets set ", r"(?<=\s)[A-Za-z_]\w{0,128}="),
                ("--secret-string", r"--secret-string[= ]"),
                ("keyvault secret set", r"--value[= ]"),
                ("secret set ", r"(?:--body|-b)[= ]"),
                ("--secret ", r"config set --secret \S{1,128} "),
            ),
        ),
        (
            "passw",
            (
                (
                    "htpasswd ",
                    r"htpasswd (?:-[A-Za-z]{1,6} ){0,4}-[A-Za-z]{0,5}b[A-Za-z]{0,5} (?:-[A-Za-z]{1,6} ){0,4}\S{1,256} \S{1,128} ",
                ),
                ("chpasswd", r"echo [\"']?[\w.-]{1,64}:"),
                ("--password-stdin", r"(?:echo|printf)(?: -n| %s)? "),
                ("passwd --stdin", r"(?:echo|printf)(?: -n| %s)? "),
            ),
        ),
        (
            "",
            (
                ("kv put ", r"(?:(?<=\s)(?<!put )|(?<=put ))(?!-)[\w.-]{1,128}="),
                ("SecureString", r"--value[= ]"),
                ("cargo login ", r"cargo login "),
                ("http-basic.", r"config (?:--\w+ )?http-basic\.[\w.-]{1,128} \S{1,128} "),
                ("pypi-token.", r"config pypi-token\.[\w.-]{1,128} "),
                (
                    "bundle config",
                    r"bundle config (?:set )?(?:--\w+ )?[\w.-]{1,128} [\w.@-]{1,128}:",
                ),
                ("alias set ", r"mc alias set \S{1,128} https?://\S{1,255} \S{1,128} "),
                ("/p:", r"\s/p:"),
                ("curl ", r"(?:\s-b|--cookie) [\"']?[\w.-]{1,128}="),
                ("-AsPlainText", r"ConvertTo-SecureString (?:-String )?"),
                ("sudo -S", r"(?:echo|printf)(?: -n| %s)? "),
            ),
        ),
    )
)
_GIVEN = r"(?<![\w$])({names})=(?P<q>[\"']?)([^\s\"';|&]+)"


def mask_commands(text: str) -> str:
    """``text`` with the secrets of the command lines in it masked."""
    if "$" in text and "=" in text and _TAKES.search(text):
        text = _variables(text)
    for shared, spots in _SPOTS:
        if shared not in text:
            continue
        for mark, spot in spots:
            if mark in text:
                text = _spotted(text, mark, spot)
    if not _optional(text):
        return text
    return _line(text) if "\n" not in text else _lines(text)


def _lines(text: str) -> str:
    """``text`` with the command lines masked that call a program with secrets among its words."""
    padded = f" {text}"
    out: list[str] = []
    done = 0
    program = _PROGRAM.search(padded)
    while program is not None:
        start = text.rfind("\n", 0, program.start()) + 1
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if _optional(text[start:end]):
            out += [text[done:start], _line(text[start:end])]
            done = end
        program = _PROGRAM.search(padded, end + 1)
    return "".join((*out, text[done:])) if out else text


def _optional(text: str) -> bool:
    """Whether a command line with an option or words in a fixed order can be in the text."""
    if " -" in text or "\t-" in text or text.startswith("-"):
        return True
    return any(map(text.__contains__, _ORDERED))


def _spotted(text: str, mark: str, spot: re.Pattern[str]) -> str:
    def masked(match: re.Match[str]) -> str:
        if harmless(match["value"]):
            return match[0]
        return match[0][: match.start("value") - match.start()] + "[masked:secret]"

    lines = text.split("\n")
    return "\n".join(spot.sub(masked, line) if mark in line else line for line in lines)


def _line(line: str) -> str:
    if _OPTION.search(line) is None and not any(map(line.__contains__, _ORDERED)):
        return line
    program = _PROGRAM.search(f" {line}")
    if program is None:
        return line
    spans = [match.span() for match in _WORD.finditer(line, program.start())]
    words = [line[begin:end] for begin, end in spans]
    out, done = [], 0
    for number, offset in hidden_words(words):
        begin, end = spans[number]
        begin += offset
        quote = line[begin : begin + 1] if line[begin : begin + 1] in ("'", '"') else ""
        begin += len(quote)
        end -= 1 if line[end - 1 : end] in ("'", '"') and end - 1 > begin else 0
        if begin < done or harmless(line[begin:end]) or not line[begin:end]:
            continue
        out += [line[done:begin], "[masked:password]"]
        done = end
    return "".join((*out, line[done:])) if out else line


def hidden_words(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Which of the words of a command line hold a secret, and from which character on."""
    program, previous, sub, since = "", "", "", 0
    for number, raw in enumerate(words):
        word = raw.strip("\"'")
        if _ENDS.fullmatch(raw):
            program, previous, sub = "", "", ""
            continue
        offset = _hidden(program, previous, word)
        since += 1
        if offset is None and sub and _PLACED.get((program, sub)) == since:
            offset = 0
        if offset is not None:
            yield number, offset + (len(raw) - len(raw.lstrip("\"'")) if offset else 0)
        base = word.rsplit("/", 1)[-1]
        if base in _NEXT or base in _JOINED or base in _USER or base in ("rabbitmqctl", "vault"):
            program = program if program == "sshpass" and number == 0 else base
        if (program, word.lower()) in _PLACED:
            sub, since = word.lower(), 0
        previous = word


def _hidden(program: str, previous: str, word: str) -> int | None:
    """From which character on ``word`` is a secret, after ``previous``, an option perhaps, of ``program``."""
    if word.startswith(("pass:", "pass=")) and len(word) > 5 and previous.startswith("-pass"):
        return 5
    at = _after_user(program, previous, word) if word else None
    if at is not None or not word:
        return at
    if word.startswith("-"):
        return _joined(program, word)
    if previous in _NEXT.get(program, ()):
        return 0 if _password(program, word) else None
    if previous.startswith("-") and len(previous) > 2 and "=" not in previous:
        told = named(previous)
        if told is not None and told[0] != "mild":
            return 0
    return _joined(program, word)


def _after_user(program: str, previous: str, word: str) -> int | None:
    """``user:password`` as the next word of an option, or joined to it: where the password begins."""
    users, sign = _USER.get(program, ((), ":"))
    if "://" in word or sign not in word[1:]:
        return None
    joined = any(
        word.startswith(f"{option}=" if len(option) > 2 else option) and sign in word[3:]
        for option in users
    )
    return word.index(sign) + 1 if joined or previous in users else None


def _password(program: str, word: str) -> bool:
    """``docker run -p 8080:80`` publishes a port; ``mongo -p`` asks for the password."""
    if program in ("docker", "podman", "nerdctl", "helm", "oc", "az") and re.fullmatch(
        r"[\d.:\[\]/a-z-]*\d", word
    ):
        return re.fullmatch(r"[\d.:/-]+(?:tcp|udp)?", word) is None
    return True


def _joined(program: str, word: str) -> int | None:
    for option in _JOINED.get(program, ()):
        if word.startswith(option) and len(word) > len(option) and not word.startswith("--"):
            if program.startswith(("my", "maria")) and lower(word).startswith("-port"):
                return None
            return len(option)
    return None


def _variables(text: str) -> str:
    """``export T=…; run --token $T``: what goes where a secret goes is one, whatever it is called."""
    names = {
        match[2]
        for match in _TAKEN.finditer(text)
        if named(match[2]) is None and named(match[1]) is not None
    }
    if not names:
        return text
    given = re.compile(_GIVEN.replace("{names}", "|".join(map(re.escape, sorted(names)[:20]))))
    return given.sub(lambda m: m[0] if harmless(m[3]) else f"{m[1]}={m[2]}[masked:secret]", text)

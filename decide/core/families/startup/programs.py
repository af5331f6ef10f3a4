"""Programs that images commonly have, by their names: a word one slip away from one of them was meant to be it. Pure data.

Sources: applets of BusyBox (busybox.net/downloads/BusyBox.html) and programs of GNU coreutils that people start containers
with; interpreters, servers and tools by the names under which their own documentation starts them.
"""

from __future__ import annotations

_SHELLS = "bash dash sh ash zsh fish busybox tini dumb-init su-exec gosu env exec"
_APPLETS = (
    "awk basename cat chmod chown cp curl cut date dirname echo expr false find grep gunzip gzip head hostname install kill "
    "less ls mkdir mkfifo mktemp mount mv nc nohup nslookup ping printenv printf readlink realpath rm rmdir sed seq sleep "
    "sort ssh stat stty sync tail tar tee telnet test time timeout touch trap true uname uniq unzip wait wget which whoami "
    "xargs yes"
)
_LANGUAGES = (
    "bun bundle cargo composer deno dotnet elixir erl go gradle java javac jruby lua mix mvn node nodejs npm npx perl php "
    "php-fpm pip pip3 pipenv pnpm poetry puma python python2 python3 rackup rails rake ruby scala uv yarn"
)
_SERVERS = (
    "apache2 apachectl caddy celery consul coredns daphne envoy etcd gunicorn haproxy httpd hypercorn influxd "
    "kafka-server-start.sh memcached minio mongod mysqld nats-server nginx postgres prometheus rabbitmq-server "
    "redis-server redis-sentinel sidekiq traefik unicorn uvicorn uwsgi valkey-server vault waitress-serve"
)
_TOOLS = (
    "alembic aws az ansible createdb curl flask flyway gcloud git gsutil helm jq kubectl liquibase make mc mongo mongodump "
    "mongosh mysql mysqladmin mysqldump openssl pg_dump pg_isready pg_restore psql rclone redis-cli restic rsync "
    "rabbitmqctl rabbitmq-diagnostics socat sqlite3 supervisord terraform yq"
)
KNOWN: frozenset[str] = frozenset(
    " ".join((_SHELLS, _APPLETS, _LANGUAGES, _SERVERS, _TOOLS)).split()
)
#: Programs that are a shell: their word after ``-c`` is a line of commands.
SHELLS: frozenset[str] = frozenset({"sh", "bash", "dash", "ash", "zsh"})

"""Made-up secrets in shapes of other programs' files, printed values and statements, and what looks like them and stays.

A template's ``{v}`` is a made-up password, drawn anew for each run of the list from a fixed seed; ``{b}`` is
``user:password`` in base64.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable

import pytest

from kfix.incident.redaction import mask, mask_json

SHAPES = r"""
variable "db_password" {\n  type    = string\n  default = "{v}"\n}
password = <<EOT\n{v}\nEOT
$dbpass = '{v}';
define("AUTH_KEY",         "{v}");
Array\n(\n    [host] => db\n    [password] => {v}\n)
["password"]=> string(12) "{v}"
public string ApiKey { get; set; } = "{v}";
map[Authorization:[Bearer {v}] Accept:[*/*]]
ConvertTo-SecureString "{v}" -AsPlainText -Force
echo '{v}' | docker login -u x --password-stdin
echo {v} | sudo -S ls
echo 'app:{v}' | chpasswd
CREATE USER 'app'@'%' IDENTIFIED BY '{v}';
CREATE USER app IDENTIFIED WITH mysql_native_password BY '{v}'
CREATE USER app IDENTIFIED BY {v}
GRANT ALL ON x.* TO 'app'@'%' IDENTIFIED BY '{v}'
INSERT INTO users (name, password) VALUES ('bob', '{v}')
INSERT INTO t (a, api_secret, c) VALUES (1, 'x', now()), (2, '{v}', now())
sqlplus app/{v}@db
CONNECT app/{v}@db
npmAuthIdent: "user:{v}"
<property><name>fs.s3a.secret.key</name><value>{v}</value></property>
<property>\n  <name>javax.jdo.option.ConnectionPassword</name>\n  <value>{v}</value>\n</property>
<key>Password</key><string>{v}</string>
<input type="password" name="p" value="{v}">
kubectl create secret generic x --from-literal=foo={v}
kubectl create secret generic x --from-literal foo={v} --from-literal=bar={v}
kubectl patch secret x -p '{"stringData":{"foo":"{v}"}}'
{"op":"replace","path":"/stringData/password","value":"{v}"}
{"Name":"prod/db","SecretString":"{v}"}
aws secretsmanager put-secret-value --secret-id x --secret-string {v}
aws ssm put-parameter --name /db/x --type SecureString --value {v}
az keyvault secret set --vault-name v --name n --value {v}
gh secret set FOO --body {v}
fly secrets set FOO={v}
vault kv put secret/x foo={v} bar={v}
htpasswd -b f u {v}
openssl enc -aes-256-cbc -k {v}
twine upload -u a -p {v} d/*
["docker","login","-u","a","-p","{v}"]
composer config http-basic.example.com a {v}
cargo login {v}
mc alias set m http://x AKEY {v}
xfreerdp /u:a /p:{v} /v:h
curl -b 'session={v}' https://x
Authorization: GenieKey {v}
basic.auth.user.info=user:{v}
requirepass {v}
CONFIG SET requirepass {v}
masterauth {v}
bindpw {v}
olcRootPW: {v}
DB_PW={v}
userPassword:: {b}
AUTH PLAIN {b}
C: AUTH PLAIN {b}
askpass: {v}
SSHPASS={v} sshpass -e ssh h
RABBITMQ_ERLANG_COOKIE={v}
-setcookie {v}
Unseal Key 1: {v}
elastic:{v}@es:9200
dsn: app:{v}@db/x
Password for the [elastic] user in the container is: {v}
A temporary password is generated for root@localhost: {v}
password for user 'app' is 'x{v}'
password changed from '{v}' to 'x'
jeton d'accès : {v}
lösenord: {v}
adgangskode: {v}
passord: {v}
salasana: {v}
heslo: {v}
jelszó: {v}
şifre: {v}
parola d'ordine: {v}
mot de passe : « {v} »
password → {v}
{"password": {"string": "{v}"}}
{"password": {"S": "{v}"}}
{"cookies":[{"name":"session","value":"{v}"}]}
[(b'x-api-key', b'{v}')]
\x1b[36mpassword\x1b[0m={v}
\x1b[32m"password"\x1b[0m: \x1b[33m"{v}"\x1b[0m
pass\u200bword: {v}
user,password\nbob,{v}
| user | password |\n|---|---|\n| bob | {v} |
 id | login | password\n----+-------+------\n  1 | bob   | {v}
""".strip().splitlines()

#: The same with a word for a password, in quotes where code or SQL gives one.
WORDS = r"""
dataSource.setPassword("{v}");
os.getenv('DB_PASSWORD', '{v}')
('password', '{v}')
ALTER ROLE app PASSWORD '{v}'
SET PASSWORD FOR 'app'@'%' = PASSWORD('{v}')
{password,<<"{v}">>}
{:host "db", :password "{v}"}
Login failed for user "a" with password "{v}"
""".strip().splitlines()

STAYS = r"""
{"password": {"secretKeyRef": {"name": "db", "key": "password"}}}
x {"password": {"secretKeyRef": {"name": "db"
existingSecret: my-redis-secret
UPDATE users SET password = $1 WHERE id = $2
INSERT INTO users (name, password) VALUES ($1, $2)
INSERT INTO users (name, password) VALUES (?, ?)
ALTER USER app IDENTIFIED BY ?
password=****
node identified by 7f6c1e8a-2f5a-4d3c-9b1e-0a1b2c3d4e5f
resource identified by name api-server
250-AUTH LOGIN PLAIN
AUTH PLAIN mechanism not supported
app:v1.2.3-RC1@sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945
app:Build20231101A@sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945
cc:Bob2Smith99@example.com
git@github.com:org/Repo9Name.git
CONNECT host/x:443 HTTP/1.1
kubectl create configmap x --from-literal=MODE=Prod2024Blue
<property><name>fs.s3a.endpoint</name><value>S3x9Example</value></property>
{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"App9:1.2.3"}
{"cookies":{"secure":true,"sameSite":"strict"}}
variable "region" {\n default = "eu-west-1"\n}
password for user app is: wrong
password updated for user bob: took 12ms
password authentication failed for user "app2"
echo starting | tee /dev/null
docker run -p 8080:80 nginx
\x1b[36mlevel\x1b[0m=info max_tokens=4096
name,value\nimage,App9Build7
| pod | restarts |\n| api-7d9f8b6c5d-x2k4q | 4 |
the field password "id" is required
tokenizer: cl100k_base
the cluster let a real write of K-Fix pass: the admission policy or its binding is missing
test pass: 12/12
passwordPolicy: strict
""".strip().splitlines()


def _plain(template: str) -> str:
    for spelled, meant in (("\\n", "\n"), ("\\x1b", "\x1b"), ("\\u200b", "\u200b")):
        template = template.replace(spelled, meant)
    return template


def _mixed(rng: random.Random) -> str:
    alphabet = string.ascii_letters + string.digits
    drawn = "".join(rng.choice(alphabet) for _ in range(11))
    return "".join(rng.sample([*drawn, "k", "Q", "7"], 14))


def _word(rng: random.Random) -> str:
    return "".join(rng.choice(string.ascii_lowercase) for _ in range(12))


@pytest.mark.parametrize(
    ("template", "drawn"),
    [*((shape, _mixed) for shape in SHAPES), *((shape, _word) for shape in WORDS)],
)
def test_a_secret_in_the_shape_is_masked(
    template: str, drawn: Callable[[random.Random], str]
) -> None:
    rng = random.Random(template)
    for _ in range(5):
        value = drawn(rng)
        pair = base64.b64encode(f"user:{value}".encode()).decode()
        masked = mask(_plain(template).replace("{v}", value).replace("{b}", pair))
        assert value not in masked
        assert pair not in masked
        assert mask(masked) == masked


@pytest.mark.parametrize("text", STAYS)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert mask(_plain(text)) == _plain(text)


def test_json_stays_json_where_a_secrets_name_holds_a_map() -> None:
    assert json.loads(mask('{"password": {"S": "Kq7hunterQ"}, "n": 1}')) == {
        "password": {"S": "[masked:password]"},
        "n": 1,
    }


def test_a_patch_of_a_secret_keeps_its_keys() -> None:
    assert mask_json({"stringData": {"foo": "Kq7hunterQ"}}) == {
        "stringData": {"foo": "[masked:secret]"}
    }

"""Made-up secrets of many kinds in many carriers: vendors' tokens, and names with values in every usual shape.

A template's braces make random characters (``{A36}``: 36 letters and digits; H hexadecimal, U capitals and digits,
L small letters and digits, D digits, W with ``_-``, B base64), and what stands between « and » must not be readable.
"""

from __future__ import annotations

import json
import random
import re
import string
from collections.abc import Callable

import pytest

from kfix.incident.redaction import mask
from kfix.incident.redaction.formats import FORMATS

_ALPHABETS = {
    "A": string.ascii_letters + string.digits,
    "H": "0123456789abcdef",
    "U": string.ascii_uppercase + string.digits,
    "L": string.ascii_lowercase + string.digits,
    "D": string.digits,
    "W": string.ascii_letters + string.digits + "_-",
    "B": string.ascii_letters + string.digits + "+/",
}

TOKENS = """
AKIA{U16}|ASIA{U16}|IQoJb3JpZ2lu{B200}|AIza{W35}|GOCSPX-{W28}|ya29.{W120}|1//0{W64}|LTAI{A20}|AKID{A32}|AQVN{W36}
dop_v1_{H64}|doo_v1_{H64}|dor_v1_{H64}|HRKU-{H8}-{H4}-{H4}-{H4}-{H12}|fm2_{B120}|fo1_{W43}|nfp_{A36}|rnd_{A32}
v1.0-{H24}-{H146}|dapi{H32}|dapi{H32}-2|glpat-{W20}|gldt-{W20}|glrt-{W20}|glptt-{H40}|glft-{W20}|glsoat-{W20}
glimt-{W25}|glagent-{W50}|gloas-{H64}|glffct-{W20}|GR1348941{W20}|ghp_{A36}|gho_{A36}|ghu_{A36}|ghs_{A36}|ghr_{A36}
github_pat_{A22}_{A59}|ATBB{A32}|ATATT3xFfGF0{W170}|ATCTT3xFfGN0{W150}|dckr_pat_{W27}|npm_{A36}|pypi-AgEIcHlwaS5vcmc{W80}
rubygems_{H48}|oy2{L43}|cio{A32}|AKCp{A69}|cmVmdGtu{A56}|sqp_{H40}|squ_{H40}|sqa_{H40}|bkua_{H40}|CCIPAT_{A22}_{H40}
pul-{H40}|pnu_{A36}|sgp_{H40}|sgp_{H16}_{H40}|API-{U26}|hvs.{W90}|hvb.{W120}|hvr.{W90}|dp.pt.{A43}|dp.st.prd.{A43}
dp.st.{A43}|dp.ct.{A43}|dp.scim.{A43}|dp.audit.{A43}|ops_eyJ{B260}|A3-{U6}-{U11}-{U5}-{U5}-{U5}|st.{H24}.{H32}.{H32}
tskey-auth-{A16}-{A32}|tskey-api-{A12}-{A32}|tskey-client-{A12}-{A32}|AGE-SECRET-KEY-1{U58}|NRAK-{U27}|NRJS-{H19}
NRII-{W32}|NRAA-{H27}|glsa_{A32}_{H8}|glc_{B80}|sntrys_{B90}|sntryu_{H64}|dt0c01.{U24}.{U64}|dt0s16.{U8}.{U64}
xaat-{H8}-{H4}-{H4}-{H4}-{H12}|phc_{A43}|phx_{A43}|xoxb-{D12}-{D13}-{A24}|xoxp-{D12}-{D12}-{D12}-{H32}|xapp-1-A{U10}-{D13}-{H64}
xoxe.xoxp-1-{A160}|SK{H32}|SG.{W22}.{W43}|key-{H32}|{H32}-{H8}-{H8}|mlsn.{H64}|xkeysib-{H64}-{A16}|re_{A8}_{A24}|PMAK-{H24}-{H34}
whsec_{A32}|{H32}-us12|sk_live_{A24}|sk_test_{A99}|rk_live_{A99}|EAAA{W60}|sq0atp-{W22}|sq0csp-{W43}
access_token$production${L16}${H32}|access-production-{H8}-{H4}-{H4}-{H4}-{H12}|shpat_{H32}|shpss_{H32}|shpca_{H32}|shppa_{H32}
FLWSECK_TEST-{H32}-X|FLWSECK-{H32}-X|rzp_live_{A14}|shippo_live_{H40}|EZAK{A54}|duffel_live_{W43}|live_{H35}|lin_api_{A40}|lin_oauth_{H64}
ntn_{A46}|secret_{A43}|pat{A14}.{H64}|0/{D16}:{H32}|1/{D16}:{H32}|pk_{D8}_{U32}|figd_{W40}|CFPAT-{W43}|sl.{W140}|pat-na1-{H8}-{H4}-{H4}-{H4}-{H12}
dG9rO{B55}=|tfp_{A40}_{A14}|fio-u-{W64}|rdme_{L70}|tk-us-{W48}|p8e-{L32}|sk.eyJ{A60}.{A22}|{A6}_{A29}_mmk|apify_api_{A36}|nvapi-{W60}
sbp_{H40}|sb_secret_{W31}|pscale_tkn_{W43}|pscale_pw_{W43}|pscale_oauth_{W43}|npg_{A12}|AVNS_{W19}|4b1d{A38}|mdb_sa_sk_{W40}|pcsk_{A5}_{A63}
sk-{A48}|sk-proj-{W120}|sk-ant-api03-{W93}AA|sk-ant-admin01-{W93}AA|sk-or-v1-{H64}|hf_{A34}|r8_{A37}|gsk_{A52}|xai-{A80}|pplx-{A48}
lsv2_pt_{H32}_{H10}|sk-lf-{H8}-{H4}-{H4}-{H4}-{H12}|e2b_{H40}|jina_{W60}|pa-{W43}|wandb_v1_{W60}
sdk-{H8}-{H4}-{H4}-{H4}-{H12}|nbp_{A36}|snyk_uat.{H8}.{W60}|{D10}:AA{W33}|MT{A24}.{W6}.{W38}|{A14}.atlasv1.{W67}|{A3}8Q~{A34}
{A76}AZDO{A4}|{B76}+ASt{B6}==|AAAA{W7}:APA91b{W134}|eyJhbGciOiJSUzI1NiJ9.eyJ{W80}.{W86}|eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..{W16}.{W60}.{W22}
$apr1${A8}${A22}|$2y$10${A53}|$6${A16}${A86}|$argon2id$v=19$m=65536,t=3,p=4${A22}${A43}|pbkdf2_sha256$600000${A22}${A43}=|{{SSHA}}{A32}
"""

#: What is printed around a token: the token alone is the secret.
AROUND = """
https://hooks.slack.com/«services/T{U8}/B{U10}/{A24}»
https://discord.com/api/webhooks/«{D18}/{W68}»
https://acme.webhook.office.com/webhookb2/«{H8}-{H4}-{H4}-{H4}-{H12}@{H8}/IncomingWebhook/{H32}/{H8}»
https://api.telegram.org/bot«{D10}:{W35}»/sendMessage
https://chat.googleapis.com/v1/spaces/{A11}/messages?key=«{A39}&token={W43}»
https://{H32}:«{H32}»@o12345.ingest.sentry.io/6
"""

NAMED = r'''
AWS_SECRET_ACCESS_KEY=«{B40}»
aws_secret_access_key = «{B40}»
{{"SecretAccessKey":"«{B40}»","SessionToken":"«{B200}»"}}
DefaultEndpointsProtocol=https;AccountName=x;AccountKey=«{B86}==»;EndpointSuffix=core.windows.net
https://x.blob.core.windows.net/c/f?sv=2022-11-02&sp=r&sig=«{A42}%3D»&se=2026
Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=«{B43}=»
GET /o?X-Amz-Credential=x&X-Amz-Security-Token=«{B120}»&X-Amz-Signature=«{H64}» 403
GET /o?X-Goog-Signature=«{H128}» 403
postgres://app:«{A12}»@db:5432/shop
postgres://app:«{A6}/{A6}»@db:5432/shop
postgres://app:«{A6}@{A6}»@db:5432/shop
postgres://app:«{A6}#{A6}»@db:5432/shop
postgres://app:«{A6}%40{A6}»@db:5432/shop
mysql+pymysql://root:«{A16}»@mysql/x?charset=utf8
mongodb+srv://app:«{A16}»@c0.abc.mongodb.net/x?retryWrites=true
mongodb://app:«{A16}»@m1:27017,m2:27017/x?replicaSet=rs0
redis://:«{A16}»@redis:6379/0
rediss://default:«{A16}»@redis:6379/0
amqp://shop:«{A16}»@mq:5672/%2F
https://user:«{A16}»@nexus.example.com/repository/npm/
smtp://mailer:«{A16}»@smtp:587
ldap://cn=admin:«{A16}»@ldap
git clone https://«{H40}»@github.com/o/r.git
postgres%3A%2F%2Fapp%3A«{A14}»%40db%3A5432%2Fshop
jdbc:oracle:thin:scott/«{A14}»@//db:1521/x
jdbc:mysql://db/x?user=app&password=«{A14}»&useSSL=false
jdbc:sqlserver://db:1433;user=sa;password=«{A14}»;encrypt=true
app:«{A14}»@tcp(mysql:3306)/shop?parseTime=true
host=db port=5432 user=app password=«{A14}» dbname=x sslmode=disable
host=db user=app password='«{A7} {A7}»' dbname=x
Data Source=db;Initial Catalog=x;User ID=sa;Password=«{A14}»;
Driver={{ODBC Driver 18}};Server=db;UID=sa;PWD=«{A14}»
db:5432:*:app:«{A14}»
db.example.com:5432:shop:app:«{A14}»
*:*:*:postgres:«{A14}»
machine api.example.com login ada password «{A14}»
machine api.example.com\n  login ada\n  password «{A14}»\n
[client]\nuser=root\npassword=«{A14}»\n
[default]\naws_access_key_id = x\naws_secret_access_key = «{B40}»\n
//registry.npmjs.example/:_authToken=«{A36}»
_auth=«{A20}»
{{"auths":{{"reg.example.com":{{"auth":"«{A28}»"}}}}}}
{{"auths": {{"reg.example.com": {{"username": "u", "password": "«{A16}»", "auth": "«{A28}»"}}}}}}
{{"identitytoken": "«{A40}»"}}
users:\n- name: a\n  user:\n    client-certificate-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t\n    client-key-data: «{A60}»\n
users:\n- name: a\n  user:\n    token: «{A40}»\n
users:\n- name: a\n  user:\n    username: ada\n    password: «{A14}»\n
root:«$6${A16}${A86}»:19000:0:99999:7:::
admin:«$apr1${A8}${A22}»
Authorization: Basic «{A24}==»
Authorization: Bearer «{A43}»
authorization: «{A43}»
Authorization: Token «{H40}»
Authorization: SSWS «{W42}»
Authorization: ApiKey «{A60}==»
Proxy-Authorization: Basic «{A24}==»
Authorization: AWS4-HMAC-SHA256 Credential=x/20261124/eu/s3/aws4_request, SignedHeaders=host, Signature=«{H64}»
bearer «{A43}»
X-Auth-Token: «{A43}»
X-Vault-Token: «{A24}»
X-Api-Key: «{A40}»
DD-API-KEY: «{H32}»
DD-APPLICATION-KEY: «{H40}»
Ocp-Apim-Subscription-Key: «{H32}»
x-functions-key: «{A50}==»
PRIVATE-TOKEN: «{A20}»
Cookie: session=«{A40}»; theme=dark
Set-Cookie: JSESSIONID=«{U32}»; Path=/; HttpOnly
Cookie: _gitlab_session=«{H32}»
JSESSIONID=«{U32}»
SAMLResponse=«{A200}»
GET /x?access_token=«{A43}»
GET /x?apikey=«{A43}»&q=1
GET /x?api_key=«{H32}»
GET /x?token=«{A43}»&x=1
GET /maps?key=«{A39}»
GET /reset?code=«{A43}»&state=x
refresh_token=«{A43}»&grant_type=refresh_token&client_secret=«{A30}»
curl -u admin:«{A14}» https://es:9200
curl -uadmin:«{A14}» https://es:9200
curl --user admin:«{A14}» https://es
curl --user=admin:«{A14}» https://es
curl -s -u "admin:«{A14}»" https://es
curl --proxy-user p:«{A14}» https://es
curl -H 'X-Api-Key: «{A40}»' https://x
curl -H "Authorization: Bearer «{A40}»" https://x
curl -d 'password=«{A14}»&user=a' https://x
curl -d '{{"password":"«{A14}»"}}' https://x
mysql -uroot -p«{A14}» shop
mysql -h db -u root -p«{A14}» -e 'select 1'
mysqldump --password=«{A14}» shop
mysqldump --password «{A14}» shop
mysqladmin -u root -p«{A14}» ping
mariadb -p'«{A14}»' shop
sshpass -p «{A14}» ssh root@host
sshpass -p«{A14}» ssh root@host
sshpass -p '«{A14}»' scp a b:
redis-cli -a «{A14}» ping
redis-cli -h redis -p 6379 -a «{A14}» ping
redis-cli --pass «{A14}» ping
docker login -u ada -p «{A14}» reg.example.com
podman login -u ada -p «{A14}» reg.example.com
helm registry login -u ada -p «{A14}» reg.example.com
mongo -u root -p «{A14}» --authenticationDatabase admin
mongosh "mongodb://root:«{A14}»@m/x"
sqlcmd -S db -U sa -P «{A14}» -Q "select 1"
ldapsearch -x -D cn=admin -w «{A14}» -b dc=x
PGPASSWORD=«{A14}» psql -h db -U app
MYSQL_PWD=«{A14}» mysql -u root
REDISCLI_AUTH=«{A14}» redis-cli ping
VAULT_TOKEN=«{A24}» vault read x
vault login «{A24}»
vault login -token=«{A24}»
vault write secret/db password=«{A14}»
kubectl create secret generic x --from-literal=password=«{A14}»
kubectl create secret docker-registry x --docker-password=«{A14}» --docker-username=u
kubeadm join 10.0.0.1:6443 --token «{L6}.{L16}» --discovery-token-ca-cert-hash sha256:0
openssl pkcs12 -in a.p12 -passin pass:«{A14}» -nodes
keytool -list -keystore a.jks -storepass «{A14}»
zip -P «{A14}» a.zip b
7z x a.7z -p«{A14}»
smbclient //h/s -U user%«{A14}»
mosquitto_pub -h h -u u -P «{A14}» -t t -m m
rabbitmqctl add_user shop «{A14}»
rabbitmqctl change_password shop «{A14}»
az login --service-principal -u x -p «{A34}» --tenant t
etcdctl --user root:«{A14}» get /
wget --http-password=«{A14}» https://x
java -Dspring.datasource.password=«{A14}» -jar a.jar
java -Djavax.net.ssl.keyStorePassword=«{A14}» -jar a.jar
helm upgrade x c --set auth.rootPassword=«{A14}» --set a=b
docker run -e POSTGRES_PASSWORD=«{A14}» postgres
ansible-playbook x.yml --extra-vars "db_password=«{A14}»"
terraform apply -var db_password=«{A14}»
export T=«{A18}»; run --token $T
P=«{A18}»; mysql --password="${{P}}"
gpg --batch --passphrase «{A14}» -d x.gpg
DD_API_KEY=«{H32}»
api_key: «{H32}»
API key ending with «{H32}» is invalid
API key «{H32}» is invalid
the API key is «{H32}»
login with password «{A14}» failed
password is «{A14}»
Password: «{A14}»
password for ada: «{A14}»
with token «{A40}» denied
the secret is «{A24}»
mot de passe : «{A14}»
mot de passe: «{A14}»
le mot de passe est «{A14}»
mot_de_passe=«{A14}»
motDePasse: «{A14}»
mdp=«{A14}»
clé API : «{A32}»
cle_api=«{A32}»
clé_secrète=«{A32}»
jeton=«{A32}»
contraseña: «{A14}»
contrasena=«{A14}»
clave_api=«{A32}»
Passwort: «{A14}»
Kennwort=«{A14}»
API-Schlüssel: «{A32}»
senha=«{A14}»
wachtwoord: «{A14}»
export API_TOKEN="«{A18}»"
{{"level":"info","password":"«{A18}»"}}
{{"clientSecret":"«{A18}»"}}
{{"a":{{"b":[{{"password":"«{A18}»"}}]}}}}
{{"passwords":["«{A18}»","«{A18}»"]}}
{{"secrets":{{"a":"«{A18}»"}}}}
{{"credentials":{{"username":"u","pin":"«{A18}»"}}}}
{{"password":{{"value":"«{A18}»"}}}}
{{"headers":{{"Authorization":"«{A18}»"}}}}
[{{"value":"«{A18}»","name":"DB_PASSWORD"}}]
[{{"key":"db.password","value":"«{A18}»"}}]
{{'password': '«{A18}»'}}
{{"m":"{{\"password\":\"«{A18}»\"}}"}}
\u0022password\u0022:\u0022«{A18}»\u0022
{{&quot;password&quot;: &quot;«{A18}»&quot;}}
&lt;password&gt;«{A18}»&lt;/password&gt;
%7B%22password%22%3A%22«{A18}»%22%7D
Config(user=a, password=«{A18}», port=1)
Config{{user='a', password='«{A18}»', port=1}}
{{User:a Password:«{A18}» Port:1}}
&main.Config{{User:"a", Password:"«{A18}»"}}
Config {{ user: "a", password: "«{A18}» x" }}
Config {{ user: "a", password: Some("«{A18}»") }}
map[password:«{A18}» user:a]
{{:user=>"a", :password=>"«{A18}»"}}
array('password' => '«{A18}»')
define('DB_PASSWORD', '«{A18}»');
("password", "«{A18}»")
{{password,"«{A18}»"}}
connect(user="a", password="«{A18}»")
os.environ["DB_PASSWORD"] = "«{A18}»"
ENV['DB_PASSWORD'] = '«{A18}»'
password = "«{A18}»"
password := "«{A18}»"
$password = '«{A18}»';
const apiKey = `«{A18}»`;
var password: String = "«{A18}»"
password = """«{A18}»"""
setPassword("«{A18}»")
spring.datasource.password=«{A18}»
spring.datasource.password: «{A18}»
db.password.prod=«{A18}»
[db]\npassword     =      «{A18}»\n
<password>«{A18}»</password>
<db:Password Type="text">«{A18}»</db:Password>
<password><![CDATA[«{A18}»]]></password>
<property name="password" value="«{A18}»"/>
<property name="password">«{A18}»</property>
<add value="«{A18}»" key="DbPassword"/>
<entry key="db.password">«{A18}»</entry>
<Resource username="u" password="«{A18}»"/>
<server><id>x</id><username>u</username><password>«{A18}»</password></server>
<connectionStrings><add name="x" connectionString="Server=d;Password=«{A18}»;"/></connectionStrings>
password: «{A18}»
password: "«{A18}»"
password: '«{A18}»'
password: !!str «{A18}»
password: &p «{A18}»
password: |\n  «{A18}»\n
db:\n  password: |-\n    «{A18}»\n    «{A18}»\n  user: a\n
db:\n  password: >-\n    «{A18}»\n
db:\n  password:\n    «{A18}»\n
db:\n  passwords:\n  - «{A18}»\n  - «{A18}»\n
secrets:\n  a: «{A18}»\n  b: "«{A18}»"\n
credentials:\n  username: u\n  pin: «{A18}»\n
password:\n  value: «{A18}»\n
- name: DB_PASSWORD\n  value: «{A18}»\n
- value: «{A18}»\n  name: DB_PASSWORD\n
- name: DB_PASSWORD\n  value: "«{A18}»"\n
- name: TLS_PRIVATE_KEY\n  value: |\n    «{A40}»\n    «{A40}»\n
- {{name: DB_PASSWORD, value: «{A18}»}}
- {{value: «{A18}», name: DB_PASSWORD}}
args: ["--password", "«{A18}»"]
args:\n- --password\n- «{A18}»\n
apiVersion: v1\nkind: Secret\ndata:\n  whatever: «{A24}»\n  other.conf: «{A24}»\n
kind: Secret\nstringData:\n  a.yaml: |\n    db: «{A18}»\n
apiVersion: v1\nstringData:\n  a: «{A18}»\nkind: Secret\n
| password | «{A18}» |
password | «{A18}»
password\t«{A18}»
password      «{A18}»
**password**: «{A18}»
`password`: `«{A18}»`
password -> «{A18}»
password=\r\n«{A18}»
password=«{A8},{A9}»
password=«{A8};{A9}»
password=«{A8}"{A9}»
password=«{A8}'{A9}»
password="«{A8} {A9}»"
password="«{A8}'{A9}»"
password='«{A8}"{A9}»'
password=«***{A9}»
password=«$ecr{A9}»
password=«{{{A9}}}»
password=«!@#%^*{A9}»
password=«{D12}»
password='«it''s{A9}»'
passphrase: «{A18}»
PASSCODE=«{D8}»
STRIPE_KEY=«{A24}»
SECRET_KEY_BASE=«{H128}»
HMAC_KEY=«{H64}»
JWT_SECRET=«{A32}»
ENCRYPTION_KEY=«{H64}»
NEW_RELIC_LICENSE_KEY=«{H36}NRAL»
RAILS_MASTER_KEY=«{H32}»
TWILIO_AUTH_TOKEN=«{H32}»
SLACK_SIGNING_SECRET=«{H32}»
DJANGO_SECRET_KEY=«{A50}»
otpauth://totp/x?secret=«{U32}»&issuer=q
Content-Disposition: form-data; name="password"\r\n\r\n«{A18}»\r\n--x
error: "msg=\"bad password=«{A18}»\" level=error"
PrivateKey = «{B42}A=»
'''

PEM = "".join(
    f"-----BEGIN {kind}PRIVATE KEY-----\n«{{B64}}»\n«{{B64}}»\n«{{B20}}==»\n-----END {kind}PRIVATE KEY-----|"
    for kind in ("", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED ")
)

CARRIERS: dict[str, Callable[[str], str]] = {
    "bare": lambda text: text,
    "line": lambda text: f"2026-11-29T10:00:00Z ERROR svc - {text}",
    "message": lambda text: json.dumps({"level": "error", "msg": text}),
    "logfmt": lambda text: f"ts=2026-11-29 level=error msg={json.dumps(text)} pod=api-1",
    "lines": lambda text: f"starting\n{text}\nstopped",
}
#: Text whose form is broken by what a carrier puts before or around it.
_WHOLE_LINES = re.compile(r"^(?:\[|machine|args:\n|PrivateKey)|\n")


def _random(template: str, rng: random.Random) -> tuple[str, list[str]]:
    """The text without its guillemets, and what must not be readable."""

    def word(match: re.Match[str]) -> str:
        alphabet = _ALPHABETS[match[1]]
        return "".join(rng.choice(alphabet) for _ in range(int(match[2]) - 2)) + (
            "".join(rng.sample(alphabet, 2)) if int(match[2]) > 1 else rng.choice(alphabet)
        )

    text = re.sub(r"\{([AHULDWB])(\d{1,3})\}", word, template)
    text = text.replace("{{", "{").replace("}}", "}")
    needles = re.findall(r"«(.*?)»", text, re.DOTALL)
    return text.replace("«", "").replace("»", ""), needles


def _templates() -> list[str]:
    tokens = [
        f"request failed with «{t}» at step 3"
        for line in TOKENS.split()
        for t in line.split("|")
        if t
    ]
    named = [
        line.replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t")
        for line in (*AROUND.strip().split("\n"), *NAMED.strip().split("\n"))
    ]
    return [*tokens, *named, *(p for p in PEM.split("|") if p)]


def _readable(needle: str, masked: str) -> bool:
    return needle in masked or (len(needle) >= 16 and needle[len(needle) // 2 :] in masked)


def _leaks(seed: int, carrier: str) -> tuple[int, list[str]]:
    rng, leaked, total = random.Random(seed), [], 0
    for template in _templates():
        text, needles = _random(template, rng)
        carried = CARRIERS[carrier](text)
        masked = mask(carried)
        total += 1
        if any(_readable(needle, masked) for needle in needles):
            leaked.append(masked)
        assert mask(masked) == masked, (carried, masked, mask(masked))
    return total, leaked


@pytest.mark.parametrize("carrier", sorted(CARRIERS))
@pytest.mark.parametrize("seed", [20261130, 7])
def test_secrets_of_every_kind_are_masked_in_every_carrier(seed: int, carrier: str) -> None:
    total, leaked = _leaks(seed, carrier)
    assert total >= 400
    assert len(leaked) <= 0.01 * total, (len(leaked), "\n".join(leaked))


def test_each_format_without_a_beginning_says_what_its_tokens_hold() -> None:
    assert [form for form in FORMATS if "" in form.prefixes and not form.within] == []

"""What programs print when something is wrong: one pattern a signal, with words that each matching line holds.

Formats only, no name of any system. Origins: MySQL error reference (1040, 1045, 1114, 1290), PostgreSQL Appendix A
(28P01, 53300, 53100, 25006, 42P01, 3D000), Redis (NOAUTH, WRONGPASS, READONLY, MISCONF, LOADING, CLUSTERDOWN), MongoDB
(13, 18, 10107), glibc, musl, Go, JVM, Node and Python resolvers and sockets, crypto/x509, OpenSSL alerts, JSSE, Envoy
response flags, gRPC status codes, librdkafka and kafka-clients, AMQP clients, nats.go, HikariCP, DBCP, SQLAlchemy.
"""

from __future__ import annotations

#: Signal, words of which every matching line holds one (lower case), pattern. Groups ``s…`` name the subject.
FORMATS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "db_too_many_connections",
        (
            "too many connections",
            "too many clients",
            "connection slots",
            "ora-00018",
            "number of clients",
            "too many open connections",
            "08004",
            "max_user_connections",
            "connection limit exceeded",
        ),
        r"Too many connections|too many clients already|remaining connection slots are reserved|"
        r"ORA-00018|max number of clients reached|too many open connections|SQLSTATE\[?08004|"
        r"has exceeded the 'max_user_connections'|too many connections for (?:role|database)|"
        r"connection limit exceeded",
    ),
    (
        "db_read_only",
        (
            "read-only option",
            "read-only transaction",
            "readonly you",
            "read-only mode",
            "read only mode",
            "not primary",
            "notwritableprimary",
            "readonly database",
            "ora-16000",
            "read_only",
            "not master",
            "transaction-read-only",
        ),
        r"running with the --(?:super-)?read[-_]only option|"
        r"cannot execute \w+(?: \w+)* in a read-only transaction|"
        r"READONLY You can't write against a read only|database is in read[- ]only mode|"
        r"not primary|NotWritablePrimary|attempt to write a readonly database|ORA-16000|"
        r"not master and slaveOk|innodb_read_only|--transaction-read-only",
    ),
    (
        "db_access_denied",
        (
            "access denied for user",
            "authentication failed",
            "noauth",
            "wrongpass",
            "login failed for user",
            "ora-01017",
            "access_refused",
            "does not exist",
            "pg_hba.conf",
            "not authorized on",
            "28p01",
            "er_access_denied",
            "authenticationfailureexception",
            "saslauthenticationexception",
            "could not find user",
            "invalid username-password",
            "authorization violation",
            "(authenticationfailed)",
            "mongosecurityexception",
        ),
        r"Access denied for user|password authentication failed for user|"
        r"NOAUTH Authentication required|WRONGPASS|Authentication failed\.?(?: .*mongo|$)|"
        r"\(AuthenticationFailed\)|SASL authentication failed|SCRAM authentication failed|"
        r"Login failed for user|ORA-01017|ACCESS_REFUSED - Login was refused|"
        r"role \"[^\"]+\" does not exist|no pg_hba\.conf entry|"
        r"not authorized on \S+ to execute command|SQLSTATE\[?28P01|ER_ACCESS_DENIED_ERROR|"
        r"AuthenticationFailureException|SaslAuthenticationException|Could not find user|"
        r"invalid username-password pair|nats: Authorization Violation|MongoSecurityException",
    ),
    (
        "access_refused",
        (
            "expiredtoken",
            "security token",
            "expired",
            "accessdenied",
            "not authorized to",
            "clienttokenid",
            "unrecognizedclient",
            "signaturedoesnotmatch",
            "invalidaccesskeyid",
            "credential",
            "permission_denied",
            "permissiondenied",
            "unauthenticated",
            "invalid_grant",
            "invalid_client",
            "aadsts",
            "authorizationfailed",
            "permissionmismatch",
            "authenticationfailed",
            "authorizationexception",
            "not authorized to access topics",
            "client error",
            "status code",
            "api key",
            "api_key",
            "api-key",
            "apikey",
            "bad credentials",
            "401",
            "403",
            "unauthori",
            "forbidden",
            "notauthori",
            "authenticationerror",
            "authenticationexception",
            "authorizationerror",
            "authorisationerror",
            "authorisationexception",
            "permission denied",
        ),
        r"\bExpiredToken(?:Exception)?\b|security token included in the request is (?:expired|invalid)|"
        r"\bAccessDenied(?:Exception)?\b|is not authorized to perform: |\bInvalidClientTokenId\b|"
        r"\bUnrecognizedClientException\b|\bSignatureDoesNotMatch\b|\bInvalidAccessKeyId\b|"
        r"\bNoCredentialProviders\b|Unable to locate credentials|\bExpiredCredentials\b|"
        r"[Cc]redentials? (?:have|has) expired|could not find default credentials|"
        r"\bcode = (?:PermissionDenied|Unauthenticated)\b|\b(?:PERMISSION_DENIED|UNAUTHENTICATED)\b|"
        r"invalid authentication credentials|\binvalid_(?:grant|client)\b|\bAADSTS\d{4,}|"
        r"\bAuthorization(?:PermissionMismatch|Failed)\b|\b(?:Topic|Group|Cluster)AuthorizationException\b|"
        r"Not authorized to access topics|[Ii]nvalid (?:api[ _-]?key|API[ _-]?[Kk]ey)|\bBad credentials\b|"
        r"\b40[13] Client Error: |\b(?:[Uu]nexpected|failed with) (?:HTTP )?status(?: code)?:? 40[13]\b|"
        r"https?://[^\s\"']+[\"']?:? (?:[\w ]{0,40} )?40[13]\b(?: (?:Unauthorized|Forbidden))?|"
        r"(?:answered|returned|responded|replied)(?: with)?(?: status| HTTP)?(?: code)?:? 40[13]\b|"
        r"\b401 Unauthorized\b|\b403 Forbidden\b|\b40[13] (?:GET|POST|PUT|PATCH|DELETE|HEAD) https?://|"
        r"(?:rejected|refused|denied)[:,]? (?:with )?(?:status |code |HTTP )*40[13]\b|"
        r"\b[Tt]oken (?:has |is )?expired\b|"
        r"\b(?:Unauthori[sz]ed|Forbidden|NotAuthori[sz]ed|Authentication|Authori[sz]ation)(?:Error|Exception)\b|"
        r"[Pp]ermission denied[^\n]{0,40}https?://|https?://\S+[^\n]{0,80}[Pp]ermission denied",
    ),
    (
        "db_missing",
        (
            "unknown database",
            "does not exist",
            "doesn't exist",
            "er_bad_db_error",
            "no such table",
            "42p01",
            "3d000",
        ),
        r"Unknown database '(?P<s20>[^']+)'|database \"(?P<s21>[^\"]+)\" does not exist|"
        r"relation \"(?P<s22>[^\"]+)\" does not exist|Table '(?P<s23>[^']+)' doesn't exist|"
        r"ER_BAD_DB_ERROR|no such table: (?P<s24>\S+)|SQLSTATE\[?(?:42P01|3D000)",
    ),
    (
        "disk_full",
        (
            "no space left on device",
            "could not extend file",
            " is full",
            "enospc",
            "misconf redis",
            "disk quota exceeded",
            "edquot",
            "disk usage exceeded flood-stage",
        ),
        r"No space left on device|no space left on device|could not extend file|"
        r"The table '.*' is full|ENOSPC|MISCONF Redis is configured to save RDB|"
        r"[Dd]isk quota exceeded|database or disk is full|EDQUOT|disk usage exceeded flood-stage",
    ),
    (
        "port_in_use",
        (
            "already in use",
            "eaddrinuse",
            "only one usage of each",
            "bind() to",
        ),
        r"Port (?P<s1>\d+) (?:was|is) already in use|[Aa]ddress already in use|EADDRINUSE|"
        r"bind\(\) to \S+ failed \((?:98|48)|Only one usage of each socket address",
    ),
    (
        "unknown_host",
        (
            "unknownhost",
            "lookup ",
            "getaddrinfo",
            "name resolution",
            "name or service not known",
            "could not resolve host",
            "nodename nor servname",
            "server host '",
            "unknown host",
            "translate host name",
            "host not found",
            "dns resolution failed",
            "no address associated",
            "name does not resolve",
            "failed to resolve",
            "nxdomain",
            "bad address '",
            "can't find ",
            "connect to redis at ",
            "zero addresses",
        ),
        r"UnknownHostException: (?P<s2>[\w.-]+)|"
        r"lookup (?P<s3>[\w.-]+)(?: on \S+)?: (?:no such host|server misbehaving|i/o timeout|.*: i/o timeout|.*connection refused)|"
        r"getaddrinfo (?:ENOTFOUND|EAI_AGAIN) (?P<s4>[\w.-]+)|"
        r"Temporary failure in name resolution|Name or service not known|"
        r"Could not resolve host(?:name)?:? (?P<s5>[\w.-]+)?|nodename nor servname|"
        r"Unknown (?:MySQL server )?host '(?P<s6>[\w.-]+)'|"
        r"could not translate host name \"(?P<s7>[\w.-]+)\"|"
        r"host not found in upstream \"(?P<s8>[\w.-]+)|DNS resolution failed for (?P<s9>[\w.-]+)|"
        r"No address associated with hostname|Name does not resolve|"
        r"can't find (?P<s25>[\w.-]+): (?:NXDOMAIN|SERVFAIL)|getaddrinfo for host \"(?P<s26>[\w.-]+)\"|"
        r"connect to Redis at (?P<s27>[\w.-]+):\d+: (?:Name|nodename|Temporary failure)|"
        r"failed to lookup address information|Failed to resolve '(?P<s13>[\w.-]+)'|NXDOMAIN|"
        r"bad address '(?P<s17>[\w.-]+)'|name resolver error: produced zero addresses",
    ),
    (
        "db_link_failure",
        (
            "communications link failure",
            "can't connect to ",
            "could not connect to server",
            "unable to open jdbc",
            "network adapter could not",
            "serverselection",
            "server selection timed out",
            "server selection error",
            "connect to any of the specified mysql",
            "connection to ",
        ),
        r"Communications link failure|Can't connect to (?:MySQL|MariaDB|local MySQL) server|"
        r"could not connect to server|connection to server at .* failed|"
        r"Unable to open JDBC Connection|The Network Adapter could not establish|"
        r"ServerSelection(?:Timeout)?Error|[Ss]erver selection (?:timed out|error)|"
        r"Unable to connect to any of the specified MySQL hosts|"
        r"Connection to \S+ refused\. Check that the hostname and port",
    ),
    (
        "connection_refused",
        ("connection refused", "econnrefused", "connectexception", "actively refused", "errno 111"),
        r"[Cc]onnection refused|ECONNREFUSED|ConnectException|actively refused|\[Errno 111\]",
    ),
    (
        "timeout",
        (
            "i/o timeout",
            "etimedout",
            "timed out",
            "deadline exceeded",
            "deadline_exceeded",
            "timeoutexception",
            "timeouterror",
            "esockettimedout",
            "timeout was reached",
            "timeout expired",
            "econnaborted",
        ),
        r"i/o timeout|ETIMEDOUT|ESOCKETTIMEDOUT|ECONNABORTED|[Cc]onnect(?:ion)? timed out|"
        r"[Rr]ead timed out|[Rr]equest timed out|[Oo]peration timed out|"
        r"timed out (?:after|while|\()|deadline exceeded|DEADLINE_EXCEEDED|"
        r"(?:Connect|Read|Socket)?TimeoutException|TimeoutError|Timeout was reached|"
        r"timeout expired",
    ),
    (
        "reset",
        ("reset by peer", "econnreset", "broken pipe", "socket hang up", "epipe"),
        r"[Cc]onnection reset by peer|ECONNRESET|[Bb]roken pipe|socket hang up|EPIPE\b",
    ),
    (
        "denied_file",
        (
            "permission denied",
            "eacces",
            "erofs",
            "read-only file system",
            "operation not permitted",
            "accessdeniedexception",
            "eperm",
        ),
        r"[Pp]ermission denied|EACCES|EROFS|[Rr]ead-only file system|Operation not permitted|"
        r"java\.nio\.file\.AccessDeniedException|EPERM\b",
    ),
    (
        "certificate",
        (
            "x509:",
            "certificate",
            "cert_",
            "pkix",
            "self_signed",
            "unable_to_verify",
            "unable_to_get_issuer",
            "subject alternative",
        ),
        r"x509: |certificate has expired|certificate is not yet valid|"
        r"certificate signed by unknown authority|CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|"
        r"CERT_SIGNATURE_FAILURE|unable to get local issuer certificate|"
        r"self[- ]signed certificate|Certificate(?:Expired|NotYetValid)Exception|PKIX path|"
        r"certificate verify failed|CERTIFICATE_VERIFY_FAILED|(?:DEPTH_ZERO_)?SELF_SIGNED_CERT|"
        r"UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT|ERR_TLS_CERT_ALTNAME_INVALID|"
        r"No subject alternative|tls: (?:bad|unknown|expired|revoked) certificate|"
        r"tls: failed to verify certificate|"
        r"alert (?:bad certificate|certificate (?:expired|unknown|revoked|required))|"
        r"invalid peer certificate|SSL certificate problem|cannot load certificate|"
        r"certificate_unknown|certificate_expired",
    ),
    (
        "heap",
        (
            "memoryerror",
            "out of memory",
            "bad_alloc",
            "outofmemoryexception",
            "gc overhead limit",
            "cannot allocate memory",
        ),
        r"java\.lang\.OutOfMemoryError|JavaScript heap out of memory|(?<![A-Za-z])MemoryError\b|"
        r"fatal error: runtime: out of memory|runtime: cannot allocate memory|std::bad_alloc|"
        r"GC overhead limit exceeded|System\.OutOfMemoryException",
    ),
    (
        "limit_unseen",  # HotSpot's os+container log: it sizes its heap by the node's memory
        (
            "controller memory is not enabled",
            "controllers disabled at kernel",
            "memory limit is: unlimited",
        ),
        r"controller memory is not enabled|required controllers disabled at kernel level|"
        r"Memory Limit is: Unlimited",
    ),
    (
        "lock_held",
        (
            "lock",
            "dbpathinuse",
            "database may be already in use",
        ),
        r"lock file \"[^\"]+\" already exists|LOCK: Resource temporarily unavailable|"
        r"lock DB directory: resource temporarily unavailable|failed to obtain node locks|"
        r"LockObtainFailedException|Failed to acquire lock on file \.lock|"
        r"Unable to lock (?:the lock file|\S+ibdata\d+)|DBPathInUse|"
        r"Database may be already in use|database is locked by another process",
    ),
    (
        "inotify_limit",
        ("inotify", "watcher"),
        r"inotify\w*[^\n]{0,80}?(?:[Nn]o space left on device|[Tt]oo many open files|has been reached)|"
        r"limit for number of file watchers reached|"
        r"failed to create (?:fsnotify |file )?watcher[^\n]{0,60}?(?:[Tt]oo many open files|[Nn]o space left)",
    ),
    (
        "map_count_limit",
        ("vm.max_map_count",),
        r"vm\.max_map_count \[\d+\] is too low",
    ),
    (
        "conntrack_limit",
        ("conntrack",),
        r"nf_conntrack: table full, dropping packet",
    ),
    (
        "system_files_limit",
        ("open files in system", "enfile", "max file descriptors ["),
        r"[Tt]oo many open files in system|\bENFILE\b|max file descriptors \[\d+\] for \S+ process is too low",
    ),
    (
        "pid_limit",
        ("fork rejected by pids", "pids.max"),
        r"fork rejected by pids controller|pids\.max reached",
    ),
    (
        "open_files",
        ("too many open files", "emfile", "no file descriptors"),
        r"[Tt]oo many open files|EMFILE\b|No file descriptors available",
    ),
    (
        "threads",
        (
            "unable to create native thread",
            "unable to create new native thread",
            "resource temporarily unavailable",
            "pthread_create failed",
            "can't start new thread",
            "failed to create new os thread",
        ),
        r"unable to create (?:new )?native thread|pthread_create failed|can't start new thread|"
        r"fork: (?:retry: )?Resource temporarily unavailable|failed to create new OS thread",
    ),
    (
        "pool_exhausted",
        (
            "request timed out after",
            "queuepool limit",
            "pool empty",
            "idle object",
            "pool error",
            "from the pool",
            "connection pool",
            "poolexhausted",
            "pool is probably full",
            "connectionacquiretimeout",
            "waitqueuefull",
            "connection from pool",
            "resourcerequest timed out",
            "connectionpooltimeout",
            "couldn't get a connection",
        ),
        r"Connection is not available, request timed out after|QueuePool limit of size|"
        r"Timeout: Pool empty|Cannot get a connection, pool error|"
        r"Timeout waiting for idle object|Could not get a resource from the pool|"
        r"[Tt]imed out fetching a new connection from the connection pool|"
        r"The pool is probably full|SequelizeConnectionAcquireTimeoutError|"
        r"prior to obtaining a connection from the pool|connection pool exhausted|"
        r"PoolExhausted(?:Error|Exception)|redis: connection pool timeout|"
        r"Timeout waiting for connection from pool|ConnectionPoolTimeoutException|"
        r"MongoWaitQueueFullException|checking out a connection from connection pool|"
        r"ResourceRequest timed out|couldn't get a connection after",
    ),
    (
        "bad_config",
        (
            "config",
            "invalid ",
            "unknown ",
            "unsupported ",
            "illegal ",
            "bad ",
            "[emerg]",
            "unrecognized ",
            "yaml:",
            "json:",
            "toml:",
            "ini:",
            "flag provided",
            "placeholder",
            "yaml.scanner",
            "jsondecodeerror",
            "unmarshal",
            "strconv.",
            "numberformatexception",
            "validation error",
            "failed to bind properties",
            "err_socket_bad_port",
            "time: ",
            "yaml.parser",
        ),
        r"(?:invalid|unknown|unsupported|illegal|bad) (?:configuration|config|option|flag|argument|directive|value|log level)|"
        r"[Cc]onfig(?:uration)?(?: file)? .{0,60}(?:not found|invalid|missing|error)|"
        r"failed to (?:load|parse|read) config|[Ee]rror (?:loading|parsing|reading|in) config|"
        r"\[emerg\]|unrecognized (?:argument|option|configuration)|"
        r"(?:yaml|json|toml|ini): .{0,40}(?:line|unmarshal|parse|error)|cannot unmarshal|"
        r"Bad directive|flag provided but not defined|Could not resolve placeholder|"
        r"yaml\.(?:scanner|parser)\.\w+Error|InvalidConfigurationPropertyValueException|"
        r"ConfigurationError|ImproperlyConfigured|strconv\.\w+: parsing |"
        r"invalid literal for \w+\(\)|NumberFormatException|envconfig\.Process: assigning |"
        r"\d+ validation errors? for \w*(?:Settings|Config)|Failed to bind properties under|"
        r"ERR_SOCKET_BAD_PORT|time: (?:invalid duration|missing unit in duration|unknown unit)|"
        r"JSONDecodeError",
    ),
    (
        "missing_env",
        (
            "environment variable",
            "not set",
            "must be set",
            "is required",
            "not defined",
            "keyerror: '",
            "unbound variable",
            "env ",
            "env: ",
            "is undefined",
        ),
        r"(?:environment variables?|env vars?|env):? [\"'`]?(?P<s10>[A-Z][A-Z0-9_]{2,})[\"'`]? (?:is )?(?:not set|missing|required|undefined|must be|not found|not defined)|"
        r"[\"'`]?(?P<s11>\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b)[\"'`]? (?:environment variable )?(?:is not set|not set|must be set|is required|not defined|is undefined)|"
        r"KeyError: '(?P<s12>[A-Z][A-Z0-9_]+)'|"
        r"\b(?P<s14>[A-Z][A-Z0-9_]{2,}): (?:unbound variable|parameter not set)|"
        r"[Mm]issing (?:required )?(?:environment variables?|env vars?):? [\"'`\[]*(?P<s15>[A-Z][A-Z0-9_]{2,})",
    ),
    (
        "panic",
        (
            "panic: ",
            "traceback (most",
            "segmentation fault",
            "sigsegv",
            "unhandled",
            "core dumped",
            'exception in thread "main"',
            "panicked at",
            "sigabrt",
            "error: ",
            "nullpointerexception",
            "uncaught",
            "cannot find module",
        ),
        r"^panic: |\bpanic: runtime error|Traceback \(most recent call last\)|Segmentation fault|"
        r"SIGSEGV|Unhandled(?:PromiseRejection| exception)|fatal error: |core dumped|"
        r"Exception in thread \"main\"|thread '.*' panicked at|SIGABRT|"
        r"^\s*(?:Uncaught )?(?:Type|Reference|Syntax|Range|Assertion|Attribute|Import|ModuleNotFound|Name|Index|Unbound\w*)Error: |"
        r"NullPointerException|Uncaught (?:Error|Exception)|Cannot find module",
    ),
    ("exec_format", ("exec format error",), r"exec format error"),
    (
        "api_forbidden",
        ("is forbidden: user",),
        r"is forbidden: User \\?\"system:serviceaccount:(?P<s16>[^\"\\]+)\\?\" cannot",
    ),
    (
        "mesh_denied",
        ("rbac: access denied", "rbac_access_denied"),
        r"RBAC: access denied|rbac_access_denied",
    ),
    (
        "mesh_flag",
        (
            "upstream connect error",
            "no healthy upstream",
            "no_healthy_upstream",
            "response_flags",
            "cluster_not_found",
            "503 u",
            "503 n",
            "502 u",
            "502 n",
            "504 u",
            "504 n",
            "404 u",
            "404 n",
        ),
        r"upstream connect error or disconnect|no healthy upstream|"
        r"[\"' ](?:503|502|504|404) (?:UF|UH|UO|NR|NC|URX|UC|UT|UPE)\b|"
        r"\"response_flags\":\s*\"(?:UF|UH|UO|NR|NC|URX|UC|UT|UPE)|no_healthy_upstream|"
        r"cluster_not_found",
    ),
    (
        "broker_down",
        (
            "amqp",
            "rabbitmq",
            "broker",
            "kafka",
            "update metadata",
            "not present in metadata",
            "natserror",
            "could not be established",
            "no servers available for connection",
            "node may not be available",
            "pulsar",
        ),
        r"(?:AMQP|RabbitMQ|amqp).{0,80}(?:refused|closed|unreachable|timed out|AMQPConnectionError)|"
        r"Connection to node -?\d+ .*could not be established|Broker may not be available|"
        r"Node may not be available|NoBrokersAvailable|run out of available brokers|"
        r"Bootstrap broker \S+ .*disconnected|Failed to update metadata after|"
        r"not present in metadata after|Broker transport failure|All broker connections are down|"
        r"brokers are down|BrokerNotAvailableError|KafkaJSConnectionError|"
        r"KafkaJSNumberOfRetriesExceeded|KafkaConnectionError|"
        r"no servers available for connection|NatsError: .*(?:CONNECTION|REFUSED)|"
        r"AmqpConnectException|AMQPConnectionError|pulsar.*[Ff]ailed to connect",
    ),
    (
        "broker_alarm",
        ("resource limit alarm", "resource alarm", "connection.blocked", "disk free space"),
        r"(?:memory|disk) resource (?:limit )?alarm (?:set|on)|disk free space .* alarm|"
        r"connection\.blocked",
    ),
    (
        "cache_down",
        (
            "redis",
            "jedis",
            "lettuce",
            "memcache",
            "clusterdown",
            "masterdown",
            "maxretriesperrequest",
            "error 111 connecting",
            "error -2 connecting",
            "error -3 connecting",
            "oom command not allowed",
        ),
        r"(?:[Rr]edis|[Jj]edis|[Ll]ettuce|[Mm]emcache\w*).{0,120}(?:refused|ECONNREFUSED|timed out|ETIMEDOUT|Unable to connect|Failed (?:to )?connect|not possible to connect|unreachable|marked dead)|"
        r"(?:refused|Unable to connect|not possible to connect).{0,60}(?:redis|memcache)|"
        r"MaxRetriesPerRequestError|LOADING Redis is loading|CLUSTERDOWN|MASTERDOWN|"
        r"Error (?:111|-2|-3) connecting to|OOM command not allowed when used memory",
    ),
    (
        "upstream_error",
        (
            "500",
            "502",
            "503",
            "504",
            "no live upstreams",
            "while connecting to upstream",
            "upstream prematurely",
            "code = unavailable",
            "unavailable: ",
            "$serviceunavailable",
            "$badgateway",
        ),
        r"502 (?:Server Error: )?Bad Gateway|"
        r"503 (?:Server Error: )?Service (?:Temporarily )?Unavailable|"
        r"504 (?:Server Error: )?Gateway Time-?out|no live upstreams|"
        r"while connecting to upstream|upstream prematurely closed|code = Unavailable|"
        r"\bUNAVAILABLE: |FeignException\$(?:ServiceUnavailable|BadGateway)|"
        r"(?:returned|answered|replied|responded(?: with)?|status(?:[ =:]| code:? )|HTTP |response code )\s?50[0234]\b",
    ),
)

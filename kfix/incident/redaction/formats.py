"""Token formats as their makers document them. Data: a new vendor is a new line.

A prefix is literal and stands where no letter or digit stands before it; the body is a pattern of what follows. Lengths
are the documented ones or shorter, so that a token that a log cut still counts, never so short that words match.
"""

from __future__ import annotations

from typing import NamedTuple

_A, _W, _H = r"[0-9A-Za-z]", r"[0-9A-Za-z_-]", r"[0-9a-f]"
_B64 = r"[0-9A-Za-z+/_=-]"


class Format(NamedTuple):
    """One maker's tokens: what the mask calls them, how they begin, what follows, where that is documented.

    ``keep``: the beginning is no part of the secret and stays. ``within``: of a format without a fixed beginning, what
    its body holds one of, so that a text without any is not searched for it.
    """

    kind: str
    prefixes: tuple[str, ...]
    body: str
    source: str
    keep: bool = False
    within: tuple[str, ...] = ()


FORMATS: tuple[Format, ...] = (
    # Clouds.
    Format(
        "aws_key",
        ("AKIA", "ASIA", "ABIA", "ACCA", "A3T"),
        r"[A-Z0-9]{16,17}(?![A-Za-z0-9])",
        "docs.aws.amazon.com/IAM: unique identifiers",
    ),
    Format(
        "aws_key",
        ("ABSK", "bedrock-api-key-"),
        rf"{_B64}{{60,}}",
        "docs.aws.amazon.com/bedrock: API keys",
    ),
    Format(
        "aws_token",
        ("IQoJb3JpZ2lu", "FwoGZXIvYXdz", "AQoDYXdz", "FQoGZXIvYXdz"),
        rf"{_B64}{{60,}}",
        "docs.aws.amazon.com/STS: session tokens",
    ),
    Format(
        "aws_key", ("amzn.mws.",), rf"{_H}{{8}}-[0-9a-f-]{{27}}", "developer-docs.amazon.com/sp-api"
    ),
    Format("gcp_key", ("AIza",), rf"{_W}{{30,}}", "cloud.google.com/docs/authentication/api-keys"),
    Format(
        "gcp_key", ("GOCSPX-",), rf"{_W}{{20,}}", "developers.google.com/identity/protocols/oauth2"
    ),
    Format(
        "gcp_key",
        ("ya29.",),
        r"[0-9A-Za-z_.-]{20,}",
        "developers.google.com/identity/protocols/oauth2",
    ),
    Format(
        "gcp_key",
        ("1//0",),
        rf"{_W}{{30,}}",
        "developers.google.com/identity/protocols/oauth2: refresh tokens",
    ),
    Format(
        "gcp_key",
        ("GOOG1E", "GOOG"),
        r"[A-Z0-9]{20,}",
        "cloud.google.com/storage/docs/authentication/hmackeys",
    ),
    Format("gcp_key", ("6L",), rf"{_W}{{38}}(?![0-9A-Za-z_-])", "cloud.google.com/recaptcha"),
    Format(
        "alibaba_key",
        ("LTAI",),
        rf"{_A}{{12,24}}(?![0-9A-Za-z])",
        "alibabacloud.com/help: AccessKey pair",
    ),
    Format("tencent_key", ("AKID",), rf"{_A}{{28,40}}", "cloud.tencent.com/document/product/598"),
    Format("yandex_key", ("AQVN",), rf"{_W}{{35,}}", "yandex.cloud/docs/iam: API keys"),
    Format(
        "yandex_key",
        ("YCAJ", "YCM", "YCP", "YCN"),
        rf"{_W}{{20,}}",
        "yandex.cloud/docs/iam: access keys",
    ),
    Format("yandex_key", ("t1.9e",), r"[0-9A-Za-z_.=-]{40,}", "yandex.cloud/docs/iam: IAM tokens"),
    Format(
        "yandex_key",
        ("y0_", "y1_", "y2_", "y3_"),
        rf"{_W}{{40,}}",
        "yandex.com/dev/id: OAuth tokens",
    ),
    Format(
        "digitalocean_token",
        ("dop_v1_", "doo_v1_", "dor_v1_", "dop_v2_"),
        rf"{_H}{{32,}}",
        "docs.digitalocean.com/reference/api",
    ),
    Format("scaleway_key", ("SCW",), r"[A-Z0-9]{17}(?![A-Za-z0-9])", "scaleway.com/en/docs/iam"),
    Format("scalingo_token", ("tk-us-", "tk-eu-"), rf"{_W}{{40,}}", "developers.scalingo.com"),
    Format(
        "heroku_key",
        ("HRKU-",),
        rf"{_W}{{30,}}",
        "devcenter.heroku.com/articles/platform-api-reference",
    ),
    Format("fly_token", ("fo1_",), rf"{_W}{{40,}}", "fly.io/docs/security/tokens"),
    Format(
        "fly_token",
        ("fm1a_", "fm1r_", "fm2_"),
        r"[0-9A-Za-z_=+/,-]{40,}",
        "fly.io/docs/security/tokens",
    ),
    Format(
        "cloudflare_key",
        ("v1.0-",),
        rf"{_H}{{24}}-{_H}{{64,}}",
        "developers.cloudflare.com/ssl/origin-configuration/origin-ca",
    ),
    Format(
        "cloudflare_key",
        ("cfut_", "cfat_", "cfk_", "cfoat_"),
        rf"{_W}{{30,}}",
        "developers.cloudflare.com/fundamentals/api",
    ),
    Format(
        "netlify_token",
        ("nfp_", "nfc_", "nfo_", "nfb_", "nfu_"),
        rf"{_A}{{30,}}",
        "docs.netlify.com/api",
    ),
    Format(
        "vercel_token",
        ("vcp_", "vck_", "vci_", "vca_", "vcr_", "vercel_blob_rw_"),
        rf"{_W}{{20,}}",
        "vercel.com/docs/rest-api",
    ),
    Format("render_key", ("rnd_",), rf"{_A}{{28,}}", "render.com/docs/api"),
    Format(
        "akamai_token", ("akab-",), r"[0-9a-z]{16}-[0-9a-z]{16}", "techdocs.akamai.com: EdgeGrid"
    ),
    Format("exoscale_key", ("EXO",), rf"{_H}{{24}}(?![0-9A-Za-z])", "community.exoscale.com: IAM"),
    Format(
        "databricks_token",
        ("dapi", "dkea", "dose", "dosp"),
        rf"{_H}{{32}}(?:-\d)?(?![0-9A-Za-z])",
        "docs.databricks.com/dev-tools/auth/pat",
    ),
    Format(
        "snowflake_token",
        ("ver:1-hint:", "ver:2-hint:", "ver:3-hint:"),
        r"[0-9A-Za-z+/=:-]{40,}",
        "docs.snowflake.com",
    ),
    # Code and its delivery.
    Format(
        "gitlab_token",
        (
            "glpat-",
            "gldt-",
            "glrt-",
            "glrtr-",
            "glcbt-",
            "glptt-",
            "glft-",
            "glsoat-",
            "glagent-",
            "glimt-",
            "gloas-",
            "glffct-",
            "glwt-",
        ),
        r"[0-9A-Za-z_.-]{16,}",
        "docs.gitlab.com/security/tokens: token prefixes",
    ),
    Format(
        "gitlab_token",
        ("GR1348941",),
        rf"{_W}{{16,}}",
        "docs.gitlab.com: runner registration tokens",
    ),
    Format(
        "gitlab_token", ("_gitlab_session=",), rf"{_H}{{32}}", "docs.gitlab.com/security/tokens"
    ),
    Format(
        "github_token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
        rf"{_A}{{30,}}",
        "docs.github.com/authentication: token formats",
    ),
    Format(
        "github_token",
        ("github_pat_",),
        r"[0-9A-Za-z_]{22,}",
        "docs.github.com/authentication: token formats",
    ),
    Format(
        "bitbucket_token",
        ("ATBB",),
        rf"{_A}{{24,}}",
        "support.atlassian.com/bitbucket-cloud: app passwords",
    ),
    Format(
        "bitbucket_token",
        ("BBDC-",),
        rf"{_B64}{{40,}}",
        "confluence.atlassian.com/bitbucketserver: HTTP access tokens",
    ),
    Format(
        "atlassian_token",
        ("ATATT3", "ATCTT3", "ATSTT3", "ATOAT3", "ATCTT", "ATATT"),
        r"[0-9A-Za-z_=-]{40,}",
        "support.atlassian.com: API tokens",
    ),
    Format(
        "registry_token",
        ("dckr_pat_", "dckr_oat_"),
        rf"{_W}{{20,}}",
        "docs.docker.com/security/access-tokens",
    ),
    Format("registry_token", ("npm_",), rf"{_A}{{30,}}", "docs.npmjs.com/about-access-tokens"),
    Format("registry_token", ("pypi-AgE",), rf"{_W}{{30,}}", "warehouse documentation: API tokens"),
    Format("registry_token", ("rubygems_",), rf"{_H}{{40,}}", "guides.rubygems.org/api-key-scopes"),
    Format(
        "registry_token",
        ("oy2",),
        r"[0-9a-z]{43}(?![0-9A-Za-z])",
        "learn.microsoft.com/nuget: scoped API keys",
    ),
    Format(
        "registry_token",
        ("cio",),
        rf"{_A}{{32}}(?![0-9A-Za-z])",
        "doc.rust-lang.org/cargo: publishing",
    ),
    Format("registry_token", ("CLOJARS_",), rf"{_A}{{40,}}", "github.com/clojars: deploy tokens"),
    Format("jfrog_key", ("AKCp",), rf"{_A}{{60,}}", "jfrog.com/help: API keys"),
    Format("jfrog_key", ("cmVmdGtu",), rf"{_A}{{50,}}", "jfrog.com/help: reference tokens"),
    Format(
        "sonar_token", ("sqp_", "squ_", "sqa_"), rf"{_H}{{32,}}", "docs.sonarsource.com: tokens"
    ),
    Format(
        "snyk_token", ("snyk_uat.", "snyk_sat."), r"[0-9A-Za-z_.-]{20,}", "docs.snyk.io: API tokens"
    ),
    Format(
        "buildkite_token",
        ("bkua_", "bkaj_", "bkct_", "bkpt_", "bkpat_", "bkrt_", "bkat_"),
        rf"{_W}{{20,}}",
        "buildkite.com/docs/platform/security/tokens",
    ),
    Format(
        "circleci_token",
        ("CCIPAT_", "CCIPRJ_", "CCIRT_"),
        rf"{_W}{{20,}}",
        "circleci.com/docs/managing-api-tokens",
    ),
    Format(
        "harness_token",
        ("pat.", "sat."),
        rf"{_W}{{22}}\.{_W}{{20,}}\.{_W}{{16,}}",
        "developer.harness.io: API keys",
    ),
    Format(
        "pulumi_token", ("pul-",), rf"{_H}{{36,}}", "pulumi.com/docs/pulumi-cloud/access-management"
    ),
    Format("prefect_key", ("pnu_", "pnb_"), rf"{_A}{{32,}}", "docs.prefect.io: API keys"),
    Format(
        "sourcegraph_token",
        ("sgp_", "slk_", "sgd_"),
        r"[0-9A-Za-z_-]{36,}",
        "sourcegraph.com/docs: access tokens",
    ),
    Format(
        "octopus_key", ("API-",), r"[A-Z0-9]{24,34}(?![A-Za-z0-9])", "octopus.com/docs: API keys"
    ),
    Format(
        "depot_token",
        ("depot_user_", "depot_org_", "depot_project_"),
        rf"{_H}{{40,}}",
        "depot.dev/docs",
    ),
    Format("argocd_token", ("argocd.token=",), r"[0-9A-Za-z_.-]{20,}", "argo-cd.readthedocs.io"),
    # Secret stores and networks.
    Format(
        "vault_token",
        ("hvs.", "hvb.", "hvr."),
        rf"{_W}{{20,}}",
        "developer.hashicorp.com/vault/docs/concepts/tokens",
    ),
    Format(
        "vault_token",
        ("s.", "b.", "r."),
        rf"(?=[A-Za-z]{{0,23}}\d){_A}{{24}}(?:\.{_A}{{5}})?(?![0-9A-Za-z._-])",
        "developer.hashicorp.com/vault/docs/concepts/tokens: before 1.10",
    ),
    Format(
        "doppler_token",
        ("dp.pt.", "dp.ct.", "dp.scim.", "dp.audit.", "dp.sa."),
        rf"{_A}{{30,}}",
        "docs.doppler.com/docs/token-formats",
    ),
    Format(
        "doppler_token",
        ("dp.st.",),
        r"(?:[0-9a-z_-]{2,40}\.)?[0-9A-Za-z]{30,}",
        "docs.doppler.com/docs/token-formats",
    ),
    Format(
        "onepassword_token",
        ("ops_eyJ",),
        rf"{_B64}{{40,}}",
        "developer.1password.com/docs/service-accounts",
    ),
    Format(
        "onepassword_key",
        ("A3-",),
        r"[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}",
        "support.1password.com/secret-key-security",
    ),
    Format(
        "infisical_token",
        ("st.",),
        rf"{_H}{{24}}\.{_H}{{32}}\.{_H}{{32}}",
        "infisical.com/docs: service tokens",
    ),
    Format(
        "tailscale_key",
        ("tskey-",),
        rf"(?:auth|api|client|scim|webhook|authkey)?-?{_W}{{14,}}",
        "tailscale.com/kb: key prefixes",
    ),
    Format(
        "age_key",
        ("AGE-SECRET-KEY-1", "AGE-PLUGIN-"),
        r"[0-9A-Z-]{40,}",
        "github.com/C2SP/C2SP: age",
    ),
    Format("netbird_token", ("nbp_",), rf"{_A}{{30,}}", "docs.netbird.io"),
    Format(
        "okta_token",
        ("00",),
        rf"(?=[0-9_-]{{0,16}}[A-Za-z])(?=[0-9a-z_-]{{0,39}}[A-Z]){_W}{{40}}(?![0-9A-Za-z_-])",
        "developer.okta.com/docs: API tokens",
    ),
    Format(
        "stripe_key",
        ("sk_live_", "sk_test_"),
        rf"{_A}{{16,}}",
        "stripe.com/docs/keys; workos.com/docs; clerk.com/docs",
    ),
    # Observability.
    Format(
        "datadog_key",
        ("ddapp_", "ddpat_", "ddapi_", "ddsat_"),
        rf"{_A}{{20,}}",
        "docs.datadoghq.com/account_management",
    ),
    Format(
        "newrelic_key",
        ("NRAK-", "NRAA-", "NRRA-", "NRJS-", "NRII-", "NRIQ-", "NRSP-", "NRBR-", "NRIU-"),
        rf"{_W}{{18,}}",
        "docs.newrelic.com/docs/apis: API keys",
    ),
    Format(
        "newrelic_key", ("eu01xx",), rf"{_A}{{30,}}", "docs.newrelic.com/docs/apis: license keys"
    ),
    Format(
        "grafana_token",
        ("glsa_",),
        rf"{_A}{{20,}}(?:_{_H}{{6,}})?",
        "grafana.com/docs: service account tokens",
    ),
    Format(
        "grafana_token",
        ("glc_",),
        rf"{_B64}{{30,}}",
        "grafana.com/docs/grafana-cloud: access policies",
    ),
    Format("sentry_token", ("sntrys_",), rf"{_B64}{{30,}}", "docs.sentry.io/account/auth-tokens"),
    Format(
        "sentry_token",
        ("sntryu_", "sntrya_", "sntryi_", "sntryt_"),
        rf"{_H}{{40,}}",
        "docs.sentry.io/account/auth-tokens",
    ),
    Format(
        "dynatrace_token",
        (
            "dt0c01.",
            "dt0s01.",
            "dt0s02.",
            "dt0s03.",
            "dt0s04.",
            "dt0s06.",
            "dt0s08.",
            "dt0s09.",
            "dt0s16.",
        ),
        r"[0-9A-Z-]{8,24}\.[0-9A-Z]{32,64}",
        "docs.dynatrace.com: access tokens",
    ),
    Format(
        "honeycomb_key",
        ("hcaik_", "hcaic_", "hcbik_", "hcamk_", "hcxik_", "hcalk_", "hcblk_"),
        rf"{_A}{{30,}}",
        "docs.honeycomb.io",
    ),
    Format("axiom_token", ("xaat-", "xapt-"), rf"{_H}{{8}}-[0-9a-f-]{{27}}", "axiom.co/docs"),
    Format(
        "logfire_token", ("pylf_v1_", "pylf_v2_"), r"[0-9A-Za-z_]{30,}", "logfire.pydantic.dev/docs"
    ),
    Format(
        "posthog_key", ("phc_", "phx_", "phs_", "phr_"), rf"{_A}{{30,}}", "posthog.com/docs/api"
    ),
    Format(
        "pagerduty_key",
        ("u+", "y_"),
        rf"{_W}{{18}}(?![0-9A-Za-z_-])",
        "developer.pagerduty.com: API keys",
    ),
    Format(
        "coralogix_key", ("cxtp_", "cxup_", "cxth_", "cxuh_"), rf"{_A}{{20,}}", "coralogix.com/docs"
    ),
    Format(
        "langsmith_key", ("lsv2_pt_", "lsv2_sk_"), r"[0-9a-f_]{32,}", "docs.langchain.com/langsmith"
    ),
    Format("langfuse_key", ("sk-lf-",), rf"{_H}{{8}}-[0-9a-f-]{{27}}", "langfuse.com/docs"),
    Format("statsig_key", ("secret-",), rf"{_A}{{32,}}", "docs.statsig.com"),
    Format(
        "launchdarkly_key",
        ("sdk-", "mob-", "api-"),
        rf"{_H}{{8}}-{_H}{{4}}-{_H}{{4}}-{_H}{{4}}-{_H}{{12}}",
        "launchdarkly.com/docs: keys",
    ),
    # Messages and people.
    Format(
        "slack_token",
        (
            "xoxb-",
            "xoxp-",
            "xoxa-",
            "xoxr-",
            "xoxs-",
            "xoxo-",
            "xoxe-",
            "xoxc-",
            "xoxd-",
            "xoxe.xoxb-",
            "xoxe.xoxp-",
            "xapp-",
            "xwfp-",
        ),
        r"[0-9A-Za-z%-]{12,}",
        "docs.slack.dev/authentication/tokens",
    ),
    Format("twilio_key", ("SK",), rf"{_H}{{32}}(?![0-9A-Za-z])", "twilio.com/docs/iam/api-keys"),
    Format(
        "sendgrid_key", ("SG.",), rf"{_W}{{16,}}\.{_W}{{16,}}", "twilio.com/docs/sendgrid: API keys"
    ),
    Format(
        "mailgun_key",
        ("key-", "pubkey-"),
        rf"{_H}{{32}}(?![0-9A-Za-z])",
        "documentation.mailgun.com",
    ),
    Format("mailersend_token", ("mlsn.",), rf"{_A}{{40,}}", "developers.mailersend.com"),
    Format(
        "brevo_key",
        ("xkeysib-", "xsmtpsib-"),
        rf"{_H}{{40,}}(?:-{_A}{{10,}})?",
        "developers.brevo.com",
    ),
    Format(
        "resend_key",
        ("re_",),
        r"(?=[a-z_]{0,36}[A-Z0-9])[0-9A-Za-z]{8}_[0-9A-Za-z]{20,}",
        "resend.com/docs",
    ),
    Format("postman_key", ("PMAK-",), rf"{_H}{{24}}-{_H}{{30,}}", "learning.postman.com: API keys"),
    Format("courier_key", ("pk_prod_", "pk_test_courier_"), r"[A-Z0-9]{20,}", "courier.com/docs"),
    Format(
        "webhook_secret",
        ("whsec_", "mcp_whsec_"),
        r"[0-9A-Za-z+/=_-]{20,}",
        "stripe.com/docs/webhooks; docs.svix.com",
    ),
    Format(
        "facebook_token",
        ("EAACEdEose0cBA", "EAAB", "EAAG", "EAAM", "EAAI"),
        rf"{_A}{{40,}}",
        "developers.facebook.com/docs/facebook-login",
    ),
    Format(
        "instagram_token",
        ("IGQV", "IGAA"),
        rf"{_W}{{60,}}",
        "developers.facebook.com/docs/instagram",
    ),
    Format(
        "twitter_token",
        ("AAAAAAAAAAAAAAAAAAAAA",),
        r"[0-9A-Za-z%]{60,}",
        "developer.x.com: bearer tokens",
    ),
    Format("linkedin_token", ("AQV", "AQX"), rf"{_W}{{120,}}", "learn.microsoft.com/linkedin"),
    # Money.
    Format(
        "stripe_key", ("rk_live_", "rk_test_", "rk_prod_"), rf"{_A}{{16,}}", "stripe.com/docs/keys"
    ),
    Format(
        "stripe_key", ("sk_org_", "ek_live_", "ek_test_"), rf"{_W}{{16,}}", "stripe.com/docs/keys"
    ),
    Format("square_token", ("EAAA",), rf"{_W}{{56,}}", "developer.squareup.com: access tokens"),
    Format(
        "square_token",
        ("sq0atp-", "sq0csp-", "sq0idp-"),
        rf"{_W}{{20,}}",
        "developer.squareup.com: access tokens",
    ),
    Format(
        "braintree_token",
        ("access_token$production$", "access_token$sandbox$"),
        r"[0-9a-z]{16}\$[0-9a-f]{32}",
        "developer.paypal.com/braintree",
    ),
    Format("paypal_token", ("A21AA", "A101."), rf"{_W}{{60,}}", "developer.paypal.com/api/rest"),
    Format(
        "plaid_token",
        (
            "access-sandbox-",
            "access-development-",
            "access-production-",
            "public-sandbox-",
            "public-production-",
            "link-sandbox-",
            "link-production-",
        ),
        rf"{_H}{{8}}-[0-9a-f-]{{27}}",
        "plaid.com/docs/api/tokens",
    ),
    Format(
        "shopify_token",
        ("shpat_", "shpca_", "shppa_", "shpss_", "shpua_", "shprt_", "atkn_", "shpss_"),
        rf"{_A}{{20,}}",
        "shopify.dev/docs/apps/build/authentication-authorization",
    ),
    Format(
        "flutterwave_key",
        ("FLWSECK_TEST-", "FLWSECK-", "FLWPUBK_TEST-", "FLWPUBK-", "FLWSECK_TEST"),
        rf"{_A}{{10,}}(?:-X)?",
        "developer.flutterwave.com",
    ),
    Format("razorpay_key", ("rzp_live_", "rzp_test_"), rf"{_A}{{12,}}", "razorpay.com/docs/api"),
    Format(
        "gocardless_token",
        ("live_", "sandbox_"),
        rf"(?=[a-z_-]{{0,39}}[0-9A-Z]){_W}{{36,}}",
        "developer.gocardless.com",
    ),
    Format(
        "mollie_key",
        ("live_", "test_"),
        rf"(?=[a-z]{{0,29}}[0-9A-Z]){_A}{{30}}(?![0-9A-Za-z])",
        "docs.mollie.com",
    ),
    Format(
        "lob_key",
        ("live_", "test_", "live_pub_", "test_pub_"),
        rf"{_H}{{31,35}}(?![0-9A-Za-z])",
        "docs.lob.com",
    ),
    Format("shippo_token", ("shippo_live_", "shippo_test_"), rf"{_H}{{30,}}", "docs.goshippo.com"),
    Format("easypost_key", ("EZAK", "EZTK"), rf"{_A}{{40,}}", "docs.easypost.com"),
    Format("duffel_token", ("duffel_live_", "duffel_test_"), rf"{_W}{{30,}}", "duffel.com/docs"),
    Format(
        "adyen_key",
        ("AQE",),
        r"[0-9A-Za-z+/=]{60,}-[0-9A-Za-z+/=]{20,}",
        "docs.adyen.com: API credentials",
    ),
    Format("checkout_key", ("sk_sbox_",), rf"{_W}{{20,}}", "checkout.com/docs"),
    Format(
        "coinbase_key",
        ("organizations/",),
        rf"{_H}{{8}}-[0-9a-f-]{{27}}/apiKeys/{_H}{{8}}-[0-9a-f-]{{27}}",
        "docs.cdp.coinbase.com",
    ),
    # Work tools.
    Format(
        "linear_key",
        ("lin_api_", "lin_oauth_", "lin_wh_"),
        rf"{_A}{{30,}}",
        "linear.app/developers",
    ),
    Format("notion_token", ("ntn_",), rf"{_A}{{30,}}", "developers.notion.com"),
    Format("notion_token", ("secret_",), rf"{_A}{{40,}}", "developers.notion.com"),
    Format(
        "airtable_token",
        ("pat",),
        rf"{_A}{{14}}\.{_H}{{40,}}",
        "airtable.com/developers: personal access tokens",
    ),
    Format(
        "asana_token",
        ("0/", "1/", "2/"),
        rf"\d{{13,17}}(?:/\d{{13,17}})?:{_H}{{32}}",
        "developers.asana.com: personal access tokens",
    ),
    Format(
        "asana_token", ("0/", "1/", "2/"), rf"{_H}{{32}}(?![0-9A-Za-z])", "developers.asana.com"
    ),
    Format("clickup_token", ("pk_",), r"\d{5,10}_[A-Z0-9]{28,34}", "developer.clickup.com"),
    Format(
        "figma_token",
        ("figd_", "figu_", "figo_", "figdr_", "figuh_", "figor_", "figur_", "figoh_", "figdh_"),
        rf"{_W}{{30,}}",
        "figma.com/developers/api",
    ),
    Format("contentful_token", ("CFPAT-",), rf"{_W}{{30,}}", "contentful.com/developers/docs"),
    Format(
        "supabase_token",
        ("sb_",),
        rf"(?:secret|publishable|temp)_{_W}{{20,}}",
        "supabase.com/docs: API keys",
    ),
    Format("dropbox_token", ("sl.",), r"(?:u\.)?[0-9A-Za-z_=-]{100,}", "dropbox.com/developers"),
    Format(
        "hubspot_token",
        ("pat-na1-", "pat-na2-", "pat-na3-", "pat-eu1-", "pat-ap1-"),
        r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}",
        "developers.hubspot.com: private apps",
    ),
    Format("intercom_token", ("dG9r",), rf"{_B64}{{50,}}", "developers.intercom.com"),
    Format("typeform_token", ("tfp_",), r"[0-9A-Za-z_.=-]{40,}", "typeform.com/developers"),
    Format("frameio_token", ("fio-u-",), rf"{_W}{{40,}}", "developer.frame.io"),
    Format("readme_key", ("rdme_",), r"[0-9a-z]{40,}", "docs.readme.com"),
    Format("calcom_key", ("cal_live_", "cal_"), rf"{_H}{{32,}}", "cal.com/docs"),
    Format("canva_token", ("cnvca",), rf"{_W}{{40,}}", "canva.dev/docs"),
    Format("retool_token", ("retool_",), r"[0-9a-z]{20,}", "docs.retool.com"),
    Format(
        "salesforce_token",
        ("00D",),
        r"[0-9A-Za-z]{12,15}![0-9A-Za-z_.]{60,}",
        "developer.salesforce.com: session ids",
    ),
    Format("adobe_secret", ("p8e-", "p8-"), rf"{_W}{{32}}", "developer.adobe.com"),
    Format(
        "mapbox_token",
        ("sk.eyJ", "pk.eyJ", "tk.eyJ"),
        r"[0-9A-Za-z_.-]{30,}",
        "docs.mapbox.com: access tokens",
    ),
    Format(
        "maxmind_key",
        ("",),
        rf"(?!{_A}{{41}}){_A}{{6}}_{_A}{{29}}_mmk(?![0-9A-Za-z])",
        "dev.maxmind.com: license keys",
        within=("_mmk",),
    ),
    Format("ngrok_key", ("ngrok_",), rf"{_W}{{30,}}", "ngrok.com/docs"),
    Format(
        "defined_key", ("dnkey-",), r"[0-9a-zA-Z_=-]{26}-[0-9a-zA-Z_=-]{52}", "docs.defined.net"
    ),
    Format("apify_token", ("apify_api_",), rf"{_A}{{30,}}", "docs.apify.com"),
    Format("zuplo_key", ("zpka_",), r"[0-9a-z_]{30,}", "zuplo.com/docs"),
    Format("nvapi_key", ("nvapi-",), rf"{_W}{{40,}}", "build.nvidia.com"),
    # Data stores.
    Format(
        "supabase_token",
        ("sbp_", "sb_secret_"),
        rf"{_W}{{30,}}",
        "supabase.com/docs: access tokens",
    ),
    Format(
        "planetscale_token",
        ("pscale_tkn_", "pscale_pw_", "pscale_oauth_", "pscale_api_"),
        r"[0-9A-Za-z_.=-]{30,}",
        "planetscale.com/docs",
    ),
    Format("neon_key", ("napi_",), rf"{_A}{{40,}}", "neon.com/docs/manage/api-keys"),
    Format("neon_password", ("npg_",), rf"{_A}{{12,}}", "neon.com/docs/connect"),
    Format("aiven_token", ("AVNS_",), rf"{_W}{{16,}}", "aiven.io/docs"),
    Format("aiven_token", ("aivenv1",), rf"{_B64}{{100,}}", "aiven.io/docs"),
    Format("clickhouse_key", ("4b1d",), rf"{_A}{{38}}(?![0-9A-Za-z])", "clickhouse.com/docs/cloud"),
    Format(
        "mongodb_key",
        ("mdb_sa_sk_", "mdb_sa_id_"),
        rf"{_W}{{24,}}",
        "mongodb.com/docs/atlas: service accounts",
    ),
    Format("confluent_key", ("cflt",), rf"{_B64}{{60}}", "docs.confluent.io/cloud"),
    Format(
        "convex_key",
        ("prod:", "dev:"),
        r"[a-z]+-[a-z]+-\d{1,4}\|[0-9A-Za-z+/=]{30,}",
        "docs.convex.dev",
    ),
    Format("pinecone_key", ("pcsk_",), r"[0-9A-Za-z_]{20,}", "docs.pinecone.io"),
    Format("elastic_key", ("essu_",), rf"{_B64}{{40,}}", "elastic.co/docs: API keys"),
    Format(
        "elastic_key", ("AAEAAWVsYXN0aW",), rf"{_B64}{{30,}}", "elastic.co/docs: service tokens"
    ),
    # Models.
    Format(
        "model_key",
        ("sk-",),
        rf"{_W}{{20,}}",
        "platform.openai.com; docs.anthropic.com; openrouter.ai/docs; api-docs.deepseek.com",
    ),
    Format(
        "model_key", ("hf_", "api_org_"), rf"{_A}{{30,}}", "huggingface.co/docs/hub/security-tokens"
    ),
    Format("model_key", ("r8_",), rf"{_A}{{30,}}", "replicate.com/docs"),
    Format("model_key", ("gsk_",), rf"{_A}{{40,}}", "console.groq.com/docs"),
    Format("model_key", ("xai-",), rf"{_A}{{60,}}", "docs.x.ai"),
    Format("model_key", ("pplx-",), rf"{_A}{{40,}}", "docs.perplexity.ai"),
    Format(
        "model_key", ("fw_", "fw-"), rf"(?=[a-z]{{0,23}}[0-9A-Z]){_A}{{20,}}", "docs.fireworks.ai"
    ),
    Format("model_key", ("tgp_v1_",), rf"{_W}{{30,}}", "docs.together.ai"),
    Format("model_key", ("csk-",), r"[0-9a-z]{40,}", "inference-docs.cerebras.ai"),
    Format("model_key", ("jina_",), rf"{_W}{{40,}}", "jina.ai"),
    Format("model_key", ("pa-",), rf"(?=[a-z_-]{{0,39}}[0-9A-Z]){_W}{{40,}}", "docs.voyageai.com"),
    Format(
        "model_key",
        ("tvly-", "fc-"),
        rf"(?=[a-z_-]{{0,29}}[0-9A-Z]){_W}{{30,}}",
        "docs.tavily.com; docs.firecrawl.dev",
    ),
    Format("model_key", ("sk_",), rf"{_H}{{48}}", "elevenlabs.io/docs"),
    Format("model_key", ("key_",), rf"{_H}{{32,}}", "docs.runwayml.com"),
    Format("model_key", ("wandb_v1_",), rf"{_W}{{30,}}", "docs.wandb.ai"),
    Format("model_key", ("rpa_",), r"[0-9A-Z]{30,}", "docs.runpod.io"),
    Format(
        "model_key",
        ("ak-", "as-"),
        rf"(?=[a-z]{{0,21}}[0-9A-Z])(?=[0-9a-z]{{0,21}}[A-Z]){_A}{{22}}(?![0-9A-Za-z-])",
        "modal.com/docs: token pairs",
    ),
    Format("e2b_key", ("e2b_",), rf"{_H}{{40}}", "e2b.dev/docs"),
    # Anything signed.
    Format(
        "jwt",
        ("eyJ",),
        r"[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]*\.?[0-9A-Za-z_-]{4,}(?:\.[0-9A-Za-z_-]*){0,3}",
        "RFC 7519, RFC 7516",
    ),
    Format(
        "password_hash",
        ("$apr1$", "$1$", "$5$", "$6$", "$y$", "$7$", "$gy$"),
        r"[0-9A-Za-z./$=,]{20,}",
        "man7.org: crypt(5)",
    ),
    Format(
        "password_hash",
        ("$2a$", "$2b$", "$2y$", "$2x$"),
        r"\d\d\$[0-9A-Za-z./]{50,}",
        "man7.org: crypt(5)",
    ),
    Format(
        "password_hash",
        (
            "$argon2id$",
            "$argon2i$",
            "$argon2d$",
            "$scrypt$",
            "$pbkdf2-sha256$",
            "$pbkdf2-sha512$",
            "$pbkdf2$",
        ),
        r"[0-9A-Za-z./$=,+-]{20,}",
        "github.com/P-H-C: PHC string format",
    ),
    Format(
        "password_hash",
        ("pbkdf2_sha256$", "pbkdf2_sha1$", "bcrypt_sha256$", "pbkdf2:sha256:", "scrypt:32768:"),
        r"[0-9A-Za-z./$=,+:-]{20,}",
        "docs.djangoproject.com: password storage",
    ),
    Format(
        "password_hash",
        ("{SSHA}", "{SHA}", "{SSHA256}", "{SSHA512}", "{CRYPT}", "{MD5}", "{SMD5}"),
        r"[0-9A-Za-z+/=$.]{16,}",
        "RFC 2307",
    ),
    Format(
        "password_hash",
        ("SCRAM-SHA-256$", "SCRAM-SHA-1$"),
        r"[0-9A-Za-z+/=$:]{30,}",
        "postgresql.org/docs: pg_authid",
    ),
    # Addresses that are secrets: what stands before the secret part stays.
    Format(
        "slack_webhook",
        ("hooks.slack.com/", "hooks.slack-gov.com/"),
        r"(?:services|workflows|triggers)/[0-9A-Za-z/_-]{10,}",
        "docs.slack.dev: incoming webhooks",
        keep=True,
    ),
    Format(
        "teams_webhook",
        ("webhook.office.com/",),
        r"webhookb2/[0-9A-Za-z/@_-]{10,}",
        "learn.microsoft.com/microsoftteams: webhooks",
        keep=True,
    ),
    Format(
        "discord_webhook",
        ("discord.com/api/", "discordapp.com/api/"),
        rf"(?:v\d{{1,2}}/)?webhooks/\d{{15,20}}/{_W}{{40,}}",
        "discord.com/developers/docs/resources/webhook",
        keep=True,
    ),
    Format(
        "google_webhook",
        ("chat.googleapis.com/v1/spaces/",),
        r"[0-9A-Za-z_-]{8,}/messages\?key=[^\s\"'<>]+",
        "developers.google.com/workspace/chat: webhooks",
        keep=True,
    ),
    Format(
        "zapier_webhook",
        ("hooks.zapier.com/hooks/catch/",),
        r"[0-9]{3,}/[0-9a-z]{5,}",
        "help.zapier.com: webhooks",
        keep=True,
    ),
    Format(
        "mattermost_webhook",
        ("hooks/",),
        r"(?=[a-z]{0,25}\d)[0-9a-z]{26}(?![0-9A-Za-z])",
        "developers.mattermost.com: incoming webhooks",
        keep=True,
    ),
    Format(
        "victorops_webhook",
        ("integrations/generic/20131114/alert/",),
        r"[0-9A-Za-z-]{20,}(?:/[\w-]+)?",
        "help.victorops.com: REST endpoint",
        keep=True,
    ),
    Format(
        "telegram_token",
        ("bot",),
        rf"\d{{7,12}}:{_W}{{30,36}}",
        "core.telegram.org/bots/api",
        keep=True,
    ),
    # Shapes without a fixed beginning: a mark inside tells them.
    Format(
        "azure_secret",
        ("",),
        r"[0-9A-Za-z_~.-]{3}[0-9]Q~[0-9A-Za-z_~.-]{30,36}",
        "learn.microsoft.com/entra: client secrets",
        within=("~",),
    ),
    Format(
        "azure_token",
        ("",),
        rf"{_A}{{60,80}}AZDO{_A}{{4}}(?!{_A})",
        "learn.microsoft.com/azure/devops: personal access tokens",
        within=("AZDO",),
    ),
    Format(
        "azure_key",
        ("",),
        rf"{_W}{{40,46}}AzF[uU]{_W}{{4,8}}={{0,2}}",
        "learn.microsoft.com/purview: function keys",
        within=("AzF",),
    ),
    Format(
        "azure_key",
        ("",),
        r"[0-9A-Za-z+/]{76}(?:\+ASt|ACDb)[0-9A-Za-z+/]{6}==",
        "learn.microsoft.com/purview: storage and Cosmos keys",
        within=("+A", "ACDb"),
    ),
    Format(
        "azure_key",
        ("",),
        r"[0-9A-Za-z+/]{33}\+(?:ASb|AEh|ARm|ASd)[0-9A-Za-z+/]{5,7}=",
        "learn.microsoft.com/purview: Service Bus keys",
        within=("+A",),
    ),
    Format(
        "telegram_token",
        ("",),
        rf"\d{{7,12}}:AA{_W}{{30,36}}(?!{_W})",
        "core.telegram.org/bots/api",
        within=(":AA",),
    ),
    Format(
        "discord_token",
        ("M", "N", "O"),
        rf"{_A}{{22,27}}\.{_W}{{6}}\.{_W}{{27,40}}",
        "discord.com/developers/docs",
    ),
    Format("discord_token", ("mfa.",), rf"{_W}{{60,}}", "discord.com/developers/docs"),
    Format(
        "terraform_token",
        ("",),
        rf"{_A}{{14}}\.atlasv1\.{_B64}{{50,}}",
        "developer.hashicorp.com/terraform/cloud-docs",
        within=(".atlasv1.",),
    ),
    Format(
        "mailchimp_key",
        ("",),
        rf"{_H}{{32}}-us\d{{1,2}}(?!\d)",
        "mailchimp.com/developer",
        within=("-us",),
    ),
    Format(
        "mailgun_key",
        tuple("0123456789abcdef"),
        rf"{_H}{{31}}-{_H}{{8}}-{_H}{{8}}(?![0-9A-Za-z-])",
        "documentation.mailgun.com",
    ),
    Format(
        "firebase_key",
        ("AAAA",),
        rf"{_W}{{7}}:{_W}{{100,}}",
        "firebase.google.com/docs/cloud-messaging",
    ),
    Format(
        "newrelic_key",
        ("",),
        rf"{_H}{{36}}(?:NRAL|FFFFNRAL)",
        "docs.newrelic.com: license keys",
        within=("NRAL",),
    ),
)

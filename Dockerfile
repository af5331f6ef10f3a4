# One image, every stage: `docker run k-fix run decide`. Non-root, nothing writable but /var/lib/kfix and /tmp.
FROM python:3.11-slim AS build
# `--build-arg LOCK=llm` adds the clients of Claude and GPT, `LOCK=memory` those and the clients of vector stores.
ARG LOCK=run
WORKDIR /src
COPY requirements/${LOCK}.lock requirements/${LOCK}.lock
RUN python -m venv /opt/kfix && /opt/kfix/bin/pip install --no-cache-dir --require-hashes -r requirements/${LOCK}.lock
COPY . .
RUN /opt/kfix/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM golang:1.26 AS renderers
COPY tools/realparts/render /src
RUN KFIX_TEST_CACHE=/out /src/build && cp /out/render/*/bin/* /usr/local/bin/

FROM python:3.11-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends git tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 kfix \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin kfix \
    && install -d -o kfix -g kfix /var/lib/kfix
COPY --from=renderers /usr/local/bin/kustomize /usr/local/bin/helm /usr/local/bin/
COPY --from=build /opt/kfix /opt/kfix
ENV PATH=/opt/kfix/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/kfix
ENTRYPOINT ["tini", "--", "kfix"]
CMD ["up"]

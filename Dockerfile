# The one image: pipeline steps, serving and MLflow's server. `make cluster-up` and `make cluster-load` build it.
# BASE needs Python 3.11 and nothing else: the official slim image, or one made of Debian packages (cluster/).
# By digest: --build-arg BASE=python:3.11-slim-bookworm@$(docker buildx imagetools inspect python:3.11-slim-bookworm --format '{{.Manifest.Digest}}')
ARG BASE=python:3.11-slim-bookworm

# the locked libraries, 1.5 GB: a layer of their own, so that a change of our code builds and travels in seconds
FROM ${BASE} AS libraries
WORKDIR /build
# site-ca.pem is there only where a proxy signs with a certificate of its own; the glob lets it be absent. Else the base's own store,
# where it has one, is asked: a site may have put its certificate there
COPY pyproject.toml uv.lock tools/uv.txt site-ca.pe[m] ./
ENV UV_PROJECT_ENVIRONMENT=/opt/ratchet UV_LINK_MODE=copy UV_NO_CACHE=1
RUN if [ ! -s site-ca.pem ] && [ -s /etc/ssl/certs/ca-certificates.crt ]; then cp /etc/ssl/certs/ca-certificates.crt site-ca.pem; fi \
 && if [ -s site-ca.pem ]; then export SSL_CERT_FILE=/build/site-ca.pem PIP_CERT=/build/site-ca.pem; fi \
 && python3.11 -m venv /uv \
 && /uv/bin/pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes --requirement uv.txt \
 && /uv/bin/uv sync --frozen --quiet --no-dev --no-install-project --compile-bytecode \
 && echo /opt/program >/opt/ratchet/lib/python3.11/site-packages/program.pth

FROM libraries AS program
COPY README.md LICENSE ./
COPY components components
COPY pipelines pipelines
COPY ratchet ratchet
COPY serving serving
RUN if [ -s site-ca.pem ]; then export SSL_CERT_FILE=/build/site-ca.pem; fi \
 && /uv/bin/uv pip install --quiet --python /opt/ratchet/bin/python --no-deps --compile-bytecode --target /opt/program .

FROM ${BASE}
COPY --from=libraries /opt/ratchet /opt/ratchet
COPY --from=program /opt/program /opt/program
ENV PATH=/opt/program/bin:/opt/ratchet/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    BENTOML_DO_NOT_TRACK=True BENTOML_HOME=/tmp/bentoml \
    MLFLOW_DISABLE_TELEMETRY=true \
    OMP_NUM_THREADS=1
# a number: the kubelet checks runAsNonRoot without knowing names
USER 65532:65532
WORKDIR /tmp
CMD ["ratchet", "--help"]

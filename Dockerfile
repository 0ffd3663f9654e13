# The service in one container: code owned by root and read-only, one volume, one port.
#
#   docker build -t aggregator .
#   docker run -p 8080:8080 -v aggregator-data:/data -v "$PWD/feeds.yaml:/srv/aggregator/feeds.yaml:ro" aggregator
#   docker run --rm aggregator check
#
# With what PostgreSQL needs (docs/scaling.md): docker build --build-arg LOCK=requirements-postgres.lock …
#
# Mount a folder over /srv/aggregator/config to change what is in config/.

FROM python:3.13-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_NO_INPUT=1

RUN python -m venv /opt/aggregator

# The lock files first: as long as they stand, these layers do too.
ARG LOCK=requirements.lock
WORKDIR /src
COPY requirements-build.lock requirements.lock requirements-postgres.lock ./
RUN /opt/aggregator/bin/python -m pip install --require-hashes -r requirements-build.lock \
    && /opt/aggregator/bin/python -m pip install --require-hashes --no-build-isolation -r ${LOCK}

COPY pyproject.toml README.md LICENSE ./
COPY aggregator ./aggregator
RUN /opt/aggregator/bin/python -m pip install --no-deps --no-build-isolation .


FROM python:3.13-slim

# The number is fixed, so that a volume keeps its owner from image to image.
RUN groupadd --gid 10001 aggregator \
    && useradd --uid 10001 --gid aggregator --no-create-home --home-dir /data --shell /usr/sbin/nologin aggregator \
    && install --directory --owner=aggregator --group=aggregator --mode=0750 /data

COPY --from=build /opt/aggregator /opt/aggregator

WORKDIR /srv/aggregator
COPY feeds.yaml ./
COPY config ./config

# Within a container the loopback address would be reached by nobody.
ENV PATH=/opt/aggregator/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    AGGREGATOR_HOST=0.0.0.0 \
    AGGREGATOR_PORT=8080 \
    AGGREGATOR_DATA_DIR=/data

USER 10001:10001
VOLUME ["/data"]
EXPOSE 8080

# By urllib, for the image has no curl; past any proxy, for the way is short.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; port = os.environ['AGGREGATOR_PORT']; u.build_opener(u.ProxyHandler({})).open(f'http://127.0.0.1:{port}/healthz', timeout=4)"]

# Exec form, no shell between: SIGTERM reaches the program itself, which then has its ten seconds.
STOPSIGNAL SIGTERM
ENTRYPOINT ["aggregator"]
CMD ["run"]

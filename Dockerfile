# Dogwatch, everything kept in the volume /data; docs/running.md says how to run it.
FROM debian:trixie-slim AS base
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        bash bubblewrap ca-certificates curl nodejs python3 tini \
    && rm -rf /var/lib/apt/lists/*

FROM base AS build
RUN apt-get update && apt-get install --yes --no-install-recommends python3-venv
WORKDIR /build
RUN python3 -m venv /opt/dogwatch
COPY requirements-run.lock ./
RUN /opt/dogwatch/bin/pip install --require-hashes --requirement requirements-run.lock
COPY pyproject.toml README.md LICENSE ./
COPY docs docs
COPY src src
RUN /opt/dogwatch/bin/pip install --no-deps --no-build-isolation .

FROM base
COPY --from=build /opt/dogwatch /opt/dogwatch
RUN useradd --uid 1000 --home-dir /data dogwatch && install --directory --owner dogwatch --mode 0700 /data
ENV PATH=/opt/dogwatch/bin:$PATH DOGWATCH_DATA=/data DOGWATCH_LISTEN=0.0.0.0:8000
USER dogwatch
VOLUME /data
EXPOSE 8000
HEALTHCHECK CMD curl --fail --silent --output /dev/null http://127.0.0.1:8000/healthz
# Scripts leave processes behind, which the first one has to collect.
ENTRYPOINT ["tini", "--", "dogwatch"]
CMD ["up"]

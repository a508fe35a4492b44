# The executable, and nothing else that could be attacked or that needs updates but the C library and certificates.
#
#   docker build --build-arg COMMIT="$(git rev-parse --short HEAD)" -t beamline .
#   docker run --read-only --tmpfs /tmp -v beamline:/data -e NATS_URL=nats://queue:4222 -p 9091:9091 beamline

FROM oven/bun:1.4.5-slim AS build
WORKDIR /build
COPY package.json bun.lock bunfig.toml ./
RUN bun install --frozen-lockfile --production --ignore-scripts
COPY tsconfig.json build.ts ./
COPY src ./src
ARG COMMIT=unknown
RUN BEAMLINE_COMMIT="$COMMIT" bun build.ts && mkdir data

FROM gcr.io/distroless/base-debian12:nonroot
COPY --from=build /build/dist/beamline /usr/local/bin/beamline
COPY --from=build --chown=nonroot:nonroot /build/data /data
VOLUME /data
ENV DLQ_PATH=/data/dead-letters.jsonl
EXPOSE 9091
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["/usr/local/bin/beamline", "health"]
ENTRYPOINT ["/usr/local/bin/beamline"]

# The executable, and nothing else that could be attacked or that needs updates but the C library and certificates.
#
#   docker build --build-arg COMMIT="$(git rev-parse --short HEAD)" --tag beamline .
#   docker buildx build --platform linux/amd64,linux/arm64 --build-arg COMMIT="$(git rev-parse --short HEAD)" --tag beamline .
#   docker run --read-only --tmpfs /tmp --volume beamline:/data --env NATS_URL=nats://queue:4222 --publish 9091:9091 beamline
#
# /data holds dead letters, blobs and the approvals that wait outside JetStream; /tmp is the only other place written to.

# Builds on the machine at hand for whichever is asked for: the compiler needs no emulation.
FROM --platform=$BUILDPLATFORM oven/bun:1.4.5-slim AS build
WORKDIR /build
COPY package.json bun.lock bunfig.toml ./
RUN bun install --frozen-lockfile --production --ignore-scripts
COPY tsconfig.json build.ts ./
COPY build ./build
COPY src ./src
ARG COMMIT=unknown
ARG TARGETARCH
RUN case "$TARGETARCH" in amd64) cpu=x64 ;; *) cpu="$TARGETARCH" ;; esac \
    && BEAMLINE_COMMIT="$COMMIT" bun build.ts "linux-$cpu" \
    && mv "dist/beamline-linux-$cpu" dist/beamline \
    && mkdir data

FROM gcr.io/distroless/base-debian12:nonroot
COPY --from=build /build/dist/beamline /usr/local/bin/beamline
COPY --from=build --chown=65532:65532 /build/data /data
VOLUME /data
ENV DLQ_PATH=/data/dead-letters.jsonl FS_BASE_DIR=/data/blobs STATE_PATH=/data/beamline.sqlite
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="beamline" \
    org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.revision="$COMMIT" \
    org.opencontainers.image.licenses="Apache-2.0"
USER 65532:65532
EXPOSE 9091
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["/usr/local/bin/beamline", "health"]
ENTRYPOINT ["/usr/local/bin/beamline"]

# One image with both product binaries and only what the node starts beside them.

FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
RUN cargo build --locked --release --package perilune-controller --package perilune-node

# of the same release as the stage above, so that one C library serves all
FROM debian:bookworm-slim AS assemble
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates e2fsprogs util-linux xfsprogs
COPY image/ /image/
COPY --from=build /source/target/release/perilune-controller /source/target/release/perilune-node /binaries/
RUN /image/assemble.sh /image/files.txt /binaries /root-file-system

FROM scratch
COPY --from=assemble /root-file-system/ /
# the controller runs as this user; the node's pod asks for root itself
USER 65532:65532

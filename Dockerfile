# The machine that builds run on, for build.java and dev-container.java, which fill the build's context: everything that phases 1 to 6
# need, a JDK, and build.java itself, compiled, with its libraries. No bash. Workspace and cache are mounted when it runs.
#
# Arguments: BASE (any Alpine image, also as name@sha256:...), REPOSITORIES (package repositories in place of the base image's own,
# separated by blanks), PACKAGES (empty: the base image has all that is needed, whatever distribution it is), RUST_TARGET (empty: no Rust).
# What changes least comes first, so that an edited script replaces the last layer only.
ARG BASE=docker.io/library/alpine:3.22
FROM ${BASE}

ARG REPOSITORIES=""
ARG PACKAGES="openjdk17-jdk maven git rustup gcc musl-dev linux-headers make flex bison bc perl binutils elfutils-dev openssl-dev \
 ncurses-dev xz zstd bzip2 patch upx kmod cpio findutils diffutils gawk util-linux-misc tar"
COPY certificates/ /etc/ssl/certs/
RUN if [ -n "$REPOSITORIES" ]; then printf '%s\n' $REPOSITORIES >/etc/apk/repositories; fi \
 && if [ -n "$PACKAGES" ]; then apk add --no-cache $PACKAGES; fi

ARG RUST_TARGET="x86_64-unknown-linux-musl"
ENV RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY certificates/ /etc/ssl/certs/
RUN if [ -n "$RUST_TARGET" ]; then rustup-init -y --no-modify-path --profile minimal --target "$RUST_TARGET"; fi

# A build that finds this set starts no container of its own.
ENV MOS_CONTAINER=1
COPY libraries/ /opt/mos-builder/libraries/
COPY program/ /opt/mos-builder/program/

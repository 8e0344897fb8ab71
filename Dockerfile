# The machine that builds run on, for dev-container.java: everything that phases 1 to 6 need, no bash. The workspace, the project and
# the cache are mounted; nothing of them is copied here, so an edit never makes a new image.
#
# Arguments: BASE (any Alpine image), REPOSITORIES (package repositories in place of the base image's own, separated by blanks),
# PACKAGES, RUST_TARGET (empty: no Rust).
ARG BASE=alpine:3.22
FROM ${BASE}

ARG REPOSITORIES=""
ARG PACKAGES="openjdk17-jdk maven git rustup gcc musl-dev linux-headers make flex bison bc perl binutils elfutils-dev openssl-dev \
 xz zstd upx kmod cpio findutils diffutils gawk util-linux-misc tar bzip2 patch"
RUN if [ -n "$REPOSITORIES" ]; then printf '%s\n' $REPOSITORIES >/etc/apk/repositories; fi \
 && apk add --no-cache $PACKAGES

ARG RUST_TARGET="x86_64-unknown-linux-musl"
ENV RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN if [ -n "$RUST_TARGET" ]; then rustup-init -y --no-modify-path --profile minimal --target "$RUST_TARGET"; fi

#!/usr/bin/env bash
# Builds the images: build.sh [gateway|mask-extractor|trainer|inference|web]… (all of them by default).
#   REGISTRY, TAG   names: REGISTRY/clearstack-gateway:TAG; by default the version of pyproject.toml
#   DEVICE          cpu (default) or cuda: trainer and inference get it behind their tag (0.1.0-cuda)
#   ENGINE          "buildah bud" (default), "podman build" or "docker build", with options of yours
#   PIP_CONF, CA    files for pip where the way to PyPI needs them; no image has them
#   BASE, BUILD, TORCH_CPU   see the Dockerfile
set -euo pipefail
cd "$(dirname "$0")/../.."
tag=${TAG:-$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)}
options=()
for name in BASE BUILD DEVICE TORCH_CPU; do
    [ -z "${!name:-}" ] || options+=(--build-arg "$name=${!name}")
done
[ -z "${PIP_CONF:-}" ] || options+=(--secret "id=pip.conf,src=$PIP_CONF")
[ -z "${CA:-}" ] || options+=(--secret "id=ca.pem,src=$CA")
[ $# -gt 0 ] || set -- gateway mask-extractor trainer inference web
for target in "$@"; do
    case $target in
    trainer | inference) name=$target:$tag-${DEVICE:-cpu} ;;
    *) name=$target:$tag ;;
    esac
    # shellcheck disable=SC2086  # several words
    ${ENGINE:-buildah bud} "${options[@]}" --target "$target" --file deploy/docker/Dockerfile \
        --tag "${REGISTRY:+$REGISTRY/}clearstack-$name" .
done

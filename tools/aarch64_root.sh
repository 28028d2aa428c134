#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tools/aarch64_root.sh FOLDER
# Unpacks the arm64 packages that zeroulp is built of into FOLDER. Downloads
# them with apt but under a state of its own: nothing is installed, the system
# stays of one architecture, root is not needed.
set -euo pipefail

readonly folder=$(realpath -m "$1")
readonly packages=(
  libhwy-dev libhwy1 libtbb-dev libtbb12 libtbbmalloc2 libtbbbind-2-5
  libfmt-dev libfmt9 libcli11-dev nlohmann-json3-dev
  libgtest-dev libgmock-dev)

work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{state/lists/partial,cache/archives/partial,debs,root}
touch "$work/state/status"
readonly apt=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64
  -o APT::Sandbox::User=root -o Dir::State="$work/state"
  -o Dir::State::status="$work/state/status" -o Dir::Cache="$work/cache")

"${apt[@]}" update
(cd "$work/debs" && "${apt[@]}" download "${packages[@]}")
for deb in "$work"/debs/*.deb; do
  dpkg-deb --extract "$deb" "$work/root"
done
# Renamed whole: an interrupted run leaves no half a folder.
mv "$work/root" "$folder"

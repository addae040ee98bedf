#!/bin/sh
# Builds ../static/page.js, scan.js and verifier.html from these sources, or with --check says whether they are current.
# Needs node and npm; the packages go to a scratch directory, so nothing is installed beside the sources.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
static=$here/../static
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp "$here/package.json" "$here/package-lock.json" "$here/bundle.mjs" "$scratch/"
cd "$scratch"
npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >&2
mkdir out
cp "$static/page.css" out/
node bundle.mjs "$here" out
cat node_modules/@noble/ed25519/LICENSE node_modules/@noble/hashes/LICENSE > out/noble.LICENSE
if [ "${1:-}" = --check ]; then
    for file in page.js scan.js verifier.html noble.LICENSE; do
        cmp "out/$file" "$static/$file" || { echo "$file is not what its sources give: run build.sh and commit it" >&2; exit 1; }
    done
    echo "the browser's files are what their sources give"
else
    cp out/page.js out/scan.js out/verifier.html out/noble.LICENSE "$static/"
fi

#!/bin/sh
# The disk of a running chain is lost, once with a backup that is too old and once with a copy of its log beside it.
#
#   restore.sh PLACE DEPLOY     PLACE is a new directory, DEPLOY the directory that has setup.sh and farechain.toml
#
# FARECHAIN is the command (default: python -m farechain). Three witnesses answer on 127.0.0.1, ports 19111 to 19113.
# Ends with 0 if everything was as it should be; what was said is on standard output.
set -eu
place=$1
deploy=$2
farechain=${FARECHAIN:-python -m farechain}
say() { printf '\n## %s\n\n' "$*"; }
started=
trap 'kill $started 2>/dev/null || true' EXIT

mkdir -p "$place/spool"
$farechain generate "$place/day" --keys "$place/keys" --invoices 2000 --seed 7 >/dev/null
mkdir -p "$place/state/keys"
cp "$place/keys/bureau.pub" "$place/state/keys/bureau.pub"
FARECHAIN="$farechain" WITNESS_URL="http://127.0.0.1:1@" FARECHAIN_SOURCE_KIND=spool FARECHAIN_OUTPUTS_ENABLED=false \
    FARECHAIN_BLOCKS_MAX_INPUTS=50 FARECHAIN_SOURCE_DIRECTORY="$place/spool" FARECHAIN_API_PORT=0 \
    sh "$deploy/setup.sh" "$place/state" "$deploy/farechain.toml" 2>/dev/null
sed -i 's/1bureau"/19111"/; s/1holders"/19112"/; s/1reimbursers"/19113"/' "$place/state/farechain.toml"
export FARECHAIN_CONFIG="$place/state/farechain.toml"
ledger="$place/state/ledger"

witness() {
    $farechain witness --state "$place/state/witness-$1" --port "$2" 2>>"$place/witness-$1.log" &
    started="$started $!"
}
witness bureau 19111
witness holders 19112
witness reimbursers 19113

say "A third of a day is ingested and published, and backed up"
cp "$place"/day/spool/farechain.commands* "$place/spool/"
for file in "$place"/day/spool/payments.*; do
    head -n "$(($(wc -l <"$file") / 3))" "$file" >"$place/spool/$(basename "$file")"
done
$farechain ingest --until-end
$farechain backup "$place/copies"

say "The day goes on; the disk is lost without another backup"
cp "$place"/day/spool/payments.* "$place/spool/"
$farechain ingest --until-end
$farechain reconcile "$place/day/manifest.jsonl"
cp -r "$ledger/blocks" "$place/replica"
mv "$ledger" "$place/lost"

say "Restored from the backup alone: refused, for the witnesses have seen more"
$farechain restore "$place/copies" "$ledger" --no-erasures-since
if $farechain ingest --until-end; then
    echo "it went on: this must not be" >&2
    exit 1
fi
$farechain status --json | python3 -c 'import json, sys; s = json.load(sys.stdin); print("height", s["height"], "checkpoint", s["checkpoint"]["size"])'
rm -r "$ledger"

say "Restored with the copy of the log: audited, confirmed by the witnesses, nothing missing"
$farechain restore "$place/copies" "$ledger" --no-erasures-since --replica "$place/replica"
$farechain audit | head -n 5
$farechain ingest --until-end
$farechain reconcile "$place/day/manifest.jsonl"
$farechain backup "$place/copies"
$farechain backup verify "$place/copies"

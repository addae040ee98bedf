#!/bin/sh
# Makes, once, what a trial deployment needs: keys, three witnesses, the configuration with their keys, topics, genesis.
#
#   setup.sh STATE EXAMPLE     STATE is a directory of this user's, EXAMPLE is deploy/farechain.toml
#
# FARECHAIN is the command (default: python -m farechain); FARECHAIN_<SECTION>_<KEY> overrides a setting.
# WITNESS_URL is where a witness answers, with @ for its name (default: http://witness-@:9101).
# In production the bureau and each witness make their keys themselves, on machines of their own.
set -eu
state=$1
example=$2
farechain=${FARECHAIN:-python -m farechain}
url=${WITNESS_URL:-http://witness-@:9101}
chain=${FARECHAIN_LEDGER_CHAIN:-shenzhen/0}

if [ -e "$state/farechain.toml" ]; then
    echo "$state/farechain.toml is there: nothing to do" >&2
    exit 0
fi
field() {
    python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}
mkdir -p "$state/keys"
[ -e "$state/keys/bureau.pub" ] || $farechain keys new "$state/keys/bureau.key" --public "$state/keys/bureau.pub" >&2
log=$($farechain keys new "$state/keys/log.key" --name "$chain" --json | field vkey)
members=
for name in bureau holders reimbursers; do
    vkey=$($farechain witness --state "$state/witness-$name" --init --name "$name.example/w1" --log "$log" --json | field vkey)
    where=$(printf %s "$url" | sed "s/@/$name/")
    members="$members{name = \"$name.example/w1\", url = \"$where\", vkey = \"$vkey\"}, "
done
export FARECHAIN_WITNESSES_MEMBERS="[$members]" FARECHAIN_WITNESSES_THRESHOLD=2
export FARECHAIN_LEDGER_PATH="$state/ledger" FARECHAIN_LEDGER_BUREAU_KEY_FILE="$state/keys/bureau.pub"
export FARECHAIN_PUBLIC_LOG_KEY_FILE="$state/keys/log.key" FARECHAIN_PRIVATE_KEY_FILE="$state/keys/private.key"
$farechain config show --config "$example" > "$state/farechain.toml.new"
$farechain init --create-topics --config "$state/farechain.toml.new" >&2
mv "$state/farechain.toml.new" "$state/farechain.toml"

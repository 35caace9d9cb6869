#!/bin/sh
# fuzz.sh PAGESIGHT SCHEMATHESIS: a server over a small index that may be written to, and everything its document says about it.
set -eu
here=$(dirname "$0")
scratch=$(mktemp -d)
mkdir "$scratch/docs"
printf 'apples and pears in a basket\n' >"$scratch/docs/fruit.txt"
printf 'a bicycle for everybody\n' >"$scratch/docs/wheels.txt"
"$1" --index "$scratch/index" index --text --model hashing "$scratch/docs"
"$1" serve --quiet --port 8765 --index "docs=$scratch/index" --allow-write --allow-folder "$scratch/docs" --state "$scratch/state" &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$scratch"' EXIT
until "${PYTHON:-python3}" -c 'import urllib.request as u; u.urlopen("http://127.0.0.1:8765/readyz")' 2>/dev/null; do sleep 1; done
"$2" --config-file "$here/schemathesis.toml" run http://127.0.0.1:8765/openapi.json --url http://127.0.0.1:8765 --max-examples "${EXAMPLES:-20}" --request-timeout 60 --seed "${SEED:-1}"

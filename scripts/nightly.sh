#!/bin/sh
# The long tier: the same code as in CI with more seeds, then the whole lab. SEED=N repeats a run of the lab.
set -eu
cd "$(dirname "$0")/.."
P2PMSG_SEEDS="${P2PMSG_SEEDS:-250}" P2PMSG_SCHEDULES="${P2PMSG_SCHEDULES:-1500}" FUZZ_RUNS="${FUZZ_RUNS:-100000}" \
  SEARCH_FUZZ_RUNS="${SEARCH_FUZZ_RUNS:-50000}" KEY_STEPS=all \
  bin/node node_modules/vitest/vitest.mjs run daemon/conversation/simulation.test.ts daemon/ratchet daemon/http/fuzz.test.ts \
  daemon/http/search.test.ts daemon/keys
exec bin/node lab/run.ts all --tier full ${SEED:+--seed "$SEED"}

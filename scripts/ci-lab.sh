#!/bin/sh
# The short tier of the lab: the real programs, started, killed and checked from outside. Its last line is
# `N passed, N failed`; SEED=N repeats a run.
set -eu
cd "$(dirname "$0")/.."
exec bin/node lab/run.ts all --tier ci ${SEED:+--seed "$SEED"}

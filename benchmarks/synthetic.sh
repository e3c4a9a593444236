#!/usr/bin/env bash
# The tables of copy, context and variable-copy in docs/recipes.md, into a folder. Stop it and give it again as you like.
#   benchmarks/synthetic.sh runs/synthetic
#   SEEDS=0,1 benchmarks/synthetic.sh runs/synthetic -- --epochs 5     (what follows -- goes to alrnn train)
set -euo pipefail
out=${1:?folder for checkpoints and tables}
here=$(dirname "$0")
seeds=${SEEDS:-0:4:1}

table() { # name, task, values of P, requirement, and what goes to `alrnn train`
  local name=$1 task=$2 P=$3 require=$4
  shift 4
  [ "${1:-}" != -- ] || shift
  echo "## $name"
  python3 "$here/table.py" "$task" --P "$P" --seeds "$seeds" --require "$require" --out "$out/$name" -- "$@"
}

shift
table copy copy "${COPY_P:-0,5,1,3,10,50}" 'sequence_accuracy>=0.99' "$@"
table context context "${CONTEXT_P:-2,0,10}" 'accuracy>=0.985' "$@"
table variable-copy variable-copy "${VARIABLE_P:-0,1,5,10,50}" 'sequence_accuracy>=0.99' "$@"

echo "## Gini coefficient of bitcode usage in copy"
echo "checkpoint recall all"
for checkpoint in "$out"/copy/P*-seed*.safetensors; do
  case $checkpoint in *.analysis.safetensors | *.resume.safetensors | */P0-*) continue ;; esac
  alrnn analyze "$checkpoint" --max-period 1 --budget 1 --json -q | python3 -c '
import json, sys
usage = json.load(sys.stdin)["usage"]
print(sys.argv[1], *(round(usage[phase]["gini_all_normalised"], 3) for phase in ("recall", "all")))' "$(basename "$checkpoint" .safetensors)"
done

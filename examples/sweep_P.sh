#!/usr/bin/env bash
# How many nonlinear units does addition need? Trains every P in turn, skips what is done, and prints a table.
#   P="0 1 2 5" SEED=0 EXTRA="--task-opt T=100" ./sweep_P.sh
set -euo pipefail
P=${P:-0 1 2 5}
SEED=${SEED:-0}
read -r -a extra <<< "${EXTRA:-}"
for p in $P; do
  alrnn train --task addition --P "$p" --seed "$SEED" "${extra[@]}" --resume -q --json -o "P$p.safetensors" > "P$p.json"
done
echo "P test_mse"
for p in $P; do
  python3 -c "import json, sys; print(sys.argv[1], json.load(open(f'P{sys.argv[1]}.json'))['metrics']['test']['mse'])" "$p"
done

#!/usr/bin/env bash
# Is it luck? The same model from several seeds; the script fails unless every one reaches the score.
#   SEEDS="0 1 2 3 4" REQUIRE="mse<=1e-4" EXTRA="--P 1" ./seeds.sh
set -euo pipefail
REQUIRE=${REQUIRE:-mse<=1e-4}
read -r -a extra <<< "${EXTRA:---P 1}"
failed=0
for seed in ${SEEDS:-0 1 2 3 4}; do
  alrnn train --task addition --seed "$seed" "${extra[@]}" --resume -q --require "$REQUIRE" -o "seed$seed.safetensors" \
    || { echo "seed $seed: exit $?"; failed=$((failed + 1)); }
done
echo "$failed failed"
[ "$failed" -eq 0 ]

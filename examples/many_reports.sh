#!/usr/bin/env bash
# Analyze every checkpoint in this folder, draw their training curves over each other, and collect one number of each.
set -euo pipefail
shopt -s nullglob
for checkpoint in *.safetensors; do
  case $checkpoint in *.analysis.safetensors | *.resume.safetensors) continue ;; esac
  alrnn analyze "$checkpoint" --trials "${TRIALS:-200}" -q > "${checkpoint%.safetensors}.txt"
done
alrnn plot loss ./*.analysis.json -o loss.pdf --width full
for report in *.analysis.json; do
  python3 -c "
import json, sys
r = json.load(open(sys.argv[1]))
print(sys.argv[1], r['usage']['all']['n_visited'], 'subregions,', r['score'])" "$report"
done

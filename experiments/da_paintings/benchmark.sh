#!/bin/sh
# The table of this page: three seeds of each row, then the gap. Usage: benchmark.sh [FOLDER]
set -e
out=${1:-outputs/painted}
run() { python -m spgen_lit.train "+experiment=$1" "seed=$2" "hydra.run.dir=$out/$1-$2" evaluation.metrics=quick $3; }
for seed in 0 1 2; do
  run painted_source_only $seed
  run painted_small $seed
  run painted_distilled $seed "start_from=$out/painted_small-$seed/checkpoints/best.ckpt"
done
python -m spgen_lit.report gap --out "$out/gap.csv" \
  --source-only "$out"/painted_source_only-? \
  --adapted "$out"/painted_small-? --adapted "$out"/painted_distilled-?

#!/bin/sh
# The tables of this page. Usage: benchmark.sh [FOLDER]; a run that is there is not made again.
#
# First the choice: recipes and places of the reversal are compared on validation images of
# split 1, in two families of painting that their training has not seen. Then the report: three
# seeds of what was chosen, and oracles, on validation images of split 0 in the test families.
set -e
out=${1:-outputs/painted}

train() { # NAME SEED EXPERIMENT SETTINGS…
  run=$out/$1-$2 name=$1 seed=$2 experiment=$3
  shift 3
  [ -f "$run/summary.json" ] || python -m spgen_lit.train "+experiment=$experiment" \
    "hydra.run.dir=$run" "name=$name" "seed=$seed" evaluation.metrics=quick "$@"
}
from() { echo "start_from=$out/$1/checkpoints/best.ckpt"; }

renditions="distillation.weight=0 feature_cache=false"
distilled=""
more="data.style_share=0.7 optimizer.lr=7e-4 optimizer.encoder_lr=4e-4"
reversal="adaptation.schedule.ceiling=0.1 data.target_batch_size=4"

# The choice.
known="families=[oil,kuwahara,aged]"
split="data.split_seed=1 data.evaluation.painted-osie.families=[strokes,palette]"
styles="data/styles=painted-osie data.styles.osie.$known"
target="data/target=[paintings,painted-osie]"
train choice_start 0 painted_small $split
for recipe in renditions distilled more; do
  eval "settings=\$$recipe"
  train "choice_$recipe" 0 painted_distilled $split $styles $settings "$(from choice_start-0)"
done
for place in reversal reversal_levels; do
  train "choice_$place" 0 painted_distilled $split $styles $target "$(from choice_start-0)" \
    "data.target.painted-osie.$known" "adaptation=$place" $reversal
done

# The report. What the choice chose, and the best oracle by its own score with seed 0.
place=reversal_levels oracle=more
test="data.styles.osie.0.families=test data.styles.osie.1.families=test"
for seed in 0 1 2; do
  train start $seed painted_small
  start=$(from start-$seed)
  train distilled $seed painted_distilled "$start"
  train reversed $seed painted_distilled "$start" $target "adaptation=$place" $reversal
  train "oracle_$oracle" $seed painted_distilled "$start" $test $more
  train natural $seed painted_natural
done
train oracle_renditions 0 painted_distilled "$(from start-0)" $test $renditions
train oracle_distilled 0 painted_distilled "$(from start-0)" $test
python -m spgen_lit.report gap --out "$out/gap.csv" --source-only "$out"/start-? \
  --adapted "$out"/distilled-? --adapted "$out"/reversed-? --oracle "$out/oracle_$oracle"-?

#!/bin/sh
# A night: what was captured comes into the pool, the loop goes as far as it can without a person, recent texts are looked at, and the
# newest model is put into use if it is better.
#
#   sh configs/nightly/nightly.sh my.cfg captured corpus/pool heldout.spacy
#
# Ends with 0, with 4 if recent texts differ or the candidate was refused, and with what failed otherwise. DEPLOY is the command that puts
# a model where it is used, with {model} for its folder.
set -eu
config=$1 captured=$2 pool=$3 heldout=$4
alarm=0

# step CODES COMMAND...: CODES are no failures
step() {
  codes=$1
  shift
  code=0
  "$@" || code=$?
  case " 0 $codes " in *" $code "*) ;; *) exit "$code" ;; esac
  if [ "$code" = 4 ]; then alarm=4; fi
}

if [ -d "$captured" ]; then
  python -m spacy_al ingest "$captured" "$pool.tonight" --force
  python -m spacy_al ingest "$captured" "$pool" --add
fi
step 3 python -m spacy_al run "$config" --once
# before the first model there is nothing to compare
if python -m spacy_al status "$config" --json | grep -q '"best": {'; then
  if [ -d "$pool.tonight" ]; then
    step 4 python -m spacy_al status "$config" --check --recent "$pool.tonight"
  fi
  step 4 python -m spacy_al promote "$config" --gold "$heldout" ${DEPLOY:+--deploy "$DEPLOY"}
fi
python -m spacy_al report "$config"
exit "$alarm"

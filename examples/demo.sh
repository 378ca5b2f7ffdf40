#!/usr/bin/env bash
# The story of a model in production, on real data, in a scratch repository: declare, plan, apply, change, merge, revert.
# Usage: examples/demo.sh   (MLSPEC names the command; by default the one of .venv). Exits non-zero when a claim fails.
set -euo pipefail
unset CI # it plays one person's machine, whose disk stays; a runner of CI would be told to share its store

here=$(cd "$(dirname "$0")" && pwd)
mlspec=${MLSPEC:-$here/../.venv/bin/mlspec}
mlspec=$(command -v "$mlspec") || { echo "demo: there is no mlspec; run: make demo" >&2; exit 1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
project=$scratch/income
cp -R "$here/income" "$project"
rm -rf "$project/.mlspec"
cd "$project"

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
show() { printf '\n$ %s\n' "$*"; }
mlspec() { show mlspec "$@"; "$mlspec" "$@"; }
trainings() { "$mlspec" log model/income --format json | grep -c '"verb": "train"' || true; }
in_production() { "$mlspec" show model/income --format json | python3 -c '
import json, sys
stages = json.load(sys.stdin)["resources"][0]["stages"]
print(next(stage["version"] for stage in stages if stage["stage"] == "production"))'; }
claim() { # claim WHAT EXPECTED FOUND
  if [ "$2" != "$3" ]; then echo "demo: $1: expected $2, found $3" >&2; exit 1; fi
  printf 'checked: %s: %s\n' "$1" "$3"
}

git init -q -b main
git config user.name "Demo" && git config user.email "demo@example.org"
git add -A && git commit -q -m "Declare a dataset, a gate and a model"

say "A fresh repository: what would happen?"
mlspec plan
say "Do it: snapshot and check the data, train, evaluate, judge the gate, promote."
mlspec apply --yes
claim "trainings" 1 "$(trainings)"
claim "version in production" 1 "$(in_production)"
say "A second plan has nothing to do (exit code 0)."
mlspec plan --detailed-exitcode

say "A branch changes one hyperparameter."
git switch -q -c slower
sed -i.bak 's/learning_rate: 0.1$/learning_rate: 0.05/' specs/income.yaml && rm specs/income.yaml.bak
show git diff && git --no-pager diff --stat
git commit -q -am "Learn more slowly"
mlspec plan
say "Applied on the branch it trains and is judged, and nothing moves."
mlspec apply --yes
claim "trainings" 2 "$(trainings)"
claim "version in production" 1 "$(in_production)"

say "Merged, the run of the branch is registered and promoted; nothing is trained again."
git switch -q main
git merge -q --no-ff -m "Merge: learn more slowly" slower
mlspec apply --yes
claim "trainings" 2 "$(trainings)"
claim "version in production" 2 "$(in_production)"

say "Reverted, the version before is back; nothing is trained."
git revert --no-edit -m 1 HEAD >/dev/null
mlspec plan
mlspec apply --yes
claim "trainings" 2 "$(trainings)"
claim "version in production" 1 "$(in_production)"

say "What is in production, trained on what, put there by whom, since when?"
mlspec show
say "Every step is on record, and the record is whole."
mlspec log model/income
mlspec verify --store

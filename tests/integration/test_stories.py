"""What teams live through with a model, told with the real commands: what is said, what moves, what is not repeated."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.samples import sampled
from tests.worlds import MLSPEC, World

SPEC = "specs/answer.yaml"
GATE = "specs/gate.yaml"
DATA = "data/questions.csv"


def model(world: World) -> dict[str, Any]:
    """Return what is shown of the model."""
    shown = json.loads(world.mlspec("show", "model/answer", "--format", "json").out)
    found: dict[str, Any] = shown["resources"][0]
    return found


def in_stage(world: World, stage: str = "staging") -> int | None:
    held = {entry["stage"]: entry["version"] for entry in model(world)["stages"]}
    return held.get(stage)


def verbs(world: World, *argv: str) -> list[tuple[str, str | None]]:
    """Return the actions of a plan: verb, and why it is blocked."""
    plan = json.loads(world.mlspec("plan", "--format", "json", *argv).out)
    return [(action["verb"], action["blocked"]) for action in plan["actions"]]


def trainings(world: World) -> int:
    return sum("-train-" in path for path in world.recorded())


def nothing_left(world: World) -> None:
    done = world.mlspec("plan", "--detailed-exitcode")
    assert done.code == 0, done


def regularise(world: World, c: str = "0.5") -> None:
    text = (world.root / SPEC).read_text()
    now = text[text.index("C: ") + 3 : text.index("}", text.index("C: "))]
    world.edit(SPEC, f"C: {now}", f"C: {c}")
    world.commit(f"C = {c}")


def test_a_second_plan_is_empty_and_a_second_apply_does_nothing(world: World) -> None:
    nothing_left(world)
    tip = world.tip
    assert world.apply().code == 0
    assert world.tip == tip


def test_a_branch_trains_the_merge_promotes_the_revert_rolls_back(world: World) -> None:
    world.git("switch", "-q", "-c", "idea")
    regularise(world)
    world.apply()
    assert (trainings(world), in_stage(world)) == (2, 1), "a branch moves nothing"
    assert ("promote", "branch idea is not merged into main: commit and merge first") in verbs(world)
    world.git("switch", "-q", "main")
    world.git("merge", "-q", "--no-ff", "-m", "Merge", "idea")
    world.apply()
    assert (trainings(world), in_stage(world)) == (2, 2), "merged, it is promoted and not trained again"
    world.git("revert", "--no-edit", "-m", "1", "HEAD")
    assert ("rollback", None) in verbs(world)
    world.apply()
    assert (trainings(world), in_stage(world)) == (2, 1), "reverted, the version before is back"
    nothing_left(world)


@pytest.mark.torture
def test_a_dirty_tree_trains_and_moves_nothing(world: World) -> None:
    world.edit(SPEC, "C: 1.0", "C: 0.5")
    done = world.apply()
    assert "commit and merge first" in done.out
    assert (trainings(world), in_stage(world)) == (2, 1)
    world.commit()
    world.apply()
    assert (trainings(world), in_stage(world)) == (2, 2)


def test_a_raised_gate_marks_the_champion_and_empties_nothing(world: World) -> None:
    world.edit(GATE, "min: 0.5", "min: 0.999")
    world.commit()
    assert "train" not in [verb for verb, _ in verbs(world)], "a gate is judged on stored predictions"
    done = world.mlspec("apply", "--yes")
    assert done.code == 3, done
    assert in_stage(world) == 1
    assert model(world)["stages"][0]["conforming"] is False
    assert model(world)["versions"][0]["verdicts"] != {"gate/better-than-chance": "pass"}
    assert "nonconforming" in world.mlspec("show").out
    nothing_left(world)
    assert trainings(world) == 1
    world.git("revert", "--no-edit", "HEAD")
    world.apply()
    assert model(world)["stages"][0]["conforming"] is True
    assert model(world)["versions"][0]["verdicts"] == {"gate/better-than-chance": "pass"}, "of the gate as it is now"


def test_a_version_that_fails_its_gate_is_recorded_and_not_promoted(world: World) -> None:
    world.edit(GATE, "min: 0.5", "min: 0.999")
    world.edit(SPEC, "C: 1.0", "C: 0.001")
    world.commit()
    done = world.mlspec("apply", "--yes")
    assert done.code == 3, done
    assert in_stage(world) == 1
    promote = next(blocked for verb, blocked in verbs(world) if verb == "promote")
    assert promote is not None
    assert "better-than-chance" in promote
    again = world.mlspec("apply", "--yes")
    assert again.code == 3, "a blocked promotion of its own plan is still negative"
    assert trainings(world) == 2


def test_a_bad_delivery_is_refused_and_the_champion_stays(world: World) -> None:
    good = (world.root / DATA).read_text()
    (world.root / DATA).write_text(good.replace(",yes", ",maybe"))
    world.commit("Bad delivery")
    done = world.mlspec("apply", "--yes")
    assert done.code != 0
    assert "label" in done.out + done.err
    assert in_stage(world) == 1
    assert trainings(world) == 1
    assert all(blocked for _, blocked in verbs(world)), "not retried on that digest"
    (world.root / DATA).write_text(good)
    world.commit("Mended")
    world.apply()
    assert trainings(world) == 1, "the data is the old data: nothing to train"
    nothing_left(world)


def test_a_pinned_stage_waits_for_its_line(world: World) -> None:
    world.edit("mlspec.yaml", "stages: [staging]", "stages: [staging, production]")
    world.edit(
        SPEC, "gates: [better-than-chance]}", "gates: [better-than-chance]}\n  production: {version: 1, gates: []}"
    )
    regularise(world)
    world.apply()
    assert (in_stage(world), in_stage(world, "production")) == (2, 1)
    world.edit(SPEC, "production: {version: 1", "production: {version: 2")
    world.commit("Promote v2")
    world.apply()
    assert in_stage(world, "production") == 2
    world.edit(SPEC, "production: {version: 2", "production: {version: 9")
    world.commit("A version that is not")
    assert next(blocked for verb, blocked in verbs(world) if verb == "promote")


def test_removing_the_entry_demotes_and_removing_the_spec_retires(world: World) -> None:
    text = (world.root / SPEC).read_text()
    (world.root / SPEC).write_text(text[: text.index("stages:")])
    world.commit("No stage")
    assert verbs(world) == [("demote", None)]
    world.apply()
    assert in_stage(world) is None
    (world.root / SPEC).unlink()
    world.commit("No model")
    assert verbs(world) == [("retire", None)]
    world.apply()
    assert model(world)["retired"] is True
    nothing_left(world)


def test_protection_lives_in_the_record(world: World) -> None:
    world.edit(SPEC, "owner: team", "owner: team\nprotect: true")
    world.commit()
    world.apply()
    (world.root / SPEC).unlink()
    world.commit()
    (retire,) = verbs(world)
    assert retire[0] == "retire"
    assert retire[1] is not None
    assert "protect" in retire[1]
    done = world.mlspec("apply", "--yes")
    assert done.code in {0, 3}
    assert in_stage(world) == 1


def test_the_last_spec_is_not_retired_by_accident(world: World) -> None:
    for path in (world.root / "specs").iterdir():
        path.unlink()
    world.commit("Nothing left")
    assert all(blocked and "retire" in blocked for _, blocked in verbs(world))
    assert all(blocked is None for _, blocked in verbs(world, "--allow-retire"))


def test_a_saved_plan_is_carried_out_or_refused(world: World) -> None:
    regularise(world)
    world.mlspec("plan", "-o", ".mlspec/plan.json")
    assert world.mlspec("plan", "--detailed-exitcode").code == 2
    tip = world.tip
    regularise(world, "0.25")
    stale = world.mlspec("apply", ".mlspec/plan.json")
    assert stale.code == 4, stale
    assert world.tip == tip, "refused before the first side effect"
    world.git("reset", "-q", "--hard", "HEAD~1")
    done = world.mlspec("apply", ".mlspec/plan.json")
    assert done.code == 0, done
    assert in_stage(world) == 2


def test_only_what_was_approved_is_done(world: World) -> None:
    world.edit(SPEC, "owner: team", "owner: team\ndescription: What the hint says.")
    world.commit()
    world.mlspec("plan", "-o", ".mlspec/plan.json")
    regularise(world)
    done = world.mlspec("apply", "--yes", "--approved", ".mlspec/plan.json")
    assert done.code == 4, done
    assert trainings(world) == 1
    assert model(world)["description"] == "What the hint says."


def test_an_older_commit_is_superseded(world: World) -> None:
    regularise(world)
    world.apply()
    world.git("switch", "-q", "--detach", "HEAD~1")
    done = world.mlspec("apply", "--yes")
    assert done.code == 4, done
    assert "superseded" in done.err
    assert in_stage(world) == 2


def test_a_selector_does_its_part_and_counts_the_rest(world: World) -> None:
    world.edit(GATE, "owner: team", "owner: team\ndescription: Better than a coin.")
    regularise(world)
    done = world.apply("gate/better-than-chance")
    assert trainings(world) == 1
    assert "outside" in done.out
    missing = world.mlspec("plan", "model/answers")
    assert missing.code == 1
    assert "answer" in missing.err


def test_a_commit_is_planned_without_a_checkout(world: World) -> None:
    world.git("switch", "-q", "-c", "idea")
    regularise(world)
    there = world.mlspec("plan", "--format", "json")
    world.git("switch", "-q", "main")
    here = world.mlspec("plan", "--ref", "idea", "--format", "json")
    assert json.loads(here.out)["digest"] == json.loads(there.out)["digest"]


def test_a_failed_training_is_not_repeated_until_something_changes(world: World) -> None:
    world.edit(SPEC, "C: 1.0", "C: -1.0")
    world.commit()
    done = world.mlspec("apply", "--yes")
    assert done.code == 1, done
    assert in_stage(world) == 1
    assert next(blocked for verb, blocked in verbs(world) if verb == "train")
    assert world.mlspec("plan", "--detailed-exitcode").code == 0
    assert ("train", None) in verbs(world, "--retry-failed")
    assert world.mlspec("apply", "--yes", "--retry-failed").code == 1
    world.edit(SPEC, "C: -1.0", "C: 2.0")
    world.commit()
    world.apply()
    assert in_stage(world) == 2


SLOW = """\
import pathlib, time
from sklearn.linear_model import LogisticRegression

def train(data, params, seed):
    pathlib.Path(params["flag"]).touch()
    time.sleep(params["seconds"])
    return LogisticRegression().fit(data.X, data.y)
"""


@pytest.mark.parametrize("number", sampled([signal.SIGINT, signal.SIGTERM], 1))
def test_interrupted_it_records_what_was_finished_and_goes_on_later(world: World, number: signal.Signals) -> None:
    flag = world.root / ".mlspec" / "begun"
    world.write({"src/slow.py": SLOW})
    params = f"params: {{seconds: 60.0, flag: {flag}}}"
    world.edit(
        SPEC,
        "estimator: sklearn.linear_model.LogisticRegression\n  params: {C: 1.0}",
        f'entrypoint: "src/slow.py:train"\n  {params}',
    )
    world.commit()
    with subprocess.Popen(
        [str(MLSPEC), "apply", "--yes"], cwd=world.root, env=world.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        try:
            while not flag.exists():
                assert running.poll() is None, running.communicate()
                time.sleep(0.05)
            running.send_signal(number)
            out, err = running.communicate(timeout=30)
        finally:
            running.kill()
    assert running.returncode == 130, (out, err)
    assert b"Traceback" not in err
    assert ("train", None) in verbs(world), "an interrupted step is planned again"
    assert world.mlspec("verify").code == 0


@pytest.mark.torture
def test_two_applies_at_once_train_once_or_lose_nothing(world: World) -> None:
    regularise(world)
    both = [
        subprocess.Popen(
            [str(MLSPEC), "apply", "--yes"],
            cwd=world.root,
            env=world.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    ended = [one.communicate(timeout=60) for one in both]
    assert [one.returncode for one in both] == [0, 0], ended
    assert in_stage(world) == 2
    assert [version["n"] for version in model(world)["versions"]] == [2, 1]
    assert world.mlspec("verify", "--store").code == 0
    nothing_left(world)


def test_a_model_leaves_as_a_folder_and_as_an_object(world: World) -> None:
    done = world.mlspec("export", "answer@staging", "out")
    assert done.code == 0, done
    code = (
        "import pandas, mlspec\n"
        "model = mlspec.load('answer@staging')\n"
        "print(model, list(model.predict(pandas.DataFrame({'hint': [-1.0, 2.0]}))))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=world.root, env=world.env, capture_output=True, text=True, check=False
    )
    said = "<mlspec model/answer v1: classification by 1 feature> ['no', 'yes']"
    assert loaded.stdout.strip() == said, loaded.stderr


def test_what_is_odd_is_told_and_stops_nothing(fresh: World) -> None:
    """A feature that gives the target away, times to come, and what training warns of."""
    rows = (fresh.root / "data/questions.csv").read_text().splitlines()
    odd = [
        f"{row},{'n' if row.endswith('no') else 'j'},{'2999' if n == 3 else '2020'}-01-01" for n, row in enumerate(rows)
    ]
    fresh.write({"data/questions.csv": "\n".join(["id,hint,label,antwort,day", *odd[1:]]) + "\n"})
    fresh.edit("specs/questions.yaml", "  - {name: label", "  - {name: antwort, type: string}\n  - {name: label")
    fresh.edit("specs/questions.yaml", "  - {name: label", "  - {name: day, type: date}\n  - {name: label")
    fresh.edit("specs/answer.yaml", "C: 1.0", "C: 1.0, max_iter: 1")
    fresh.commit("An odd delivery")
    out = fresh.apply().out
    assert "\n          warning  column `day`: 1 value is later than now, " in out
    assert "\n          warning  column `antwort` is the target `label` in other words: each value of one goes" in out
    assert "\n          warning  ConvergenceWarning: lbfgs failed to converge" in out
    (checked,) = (path for path in fresh.recorded() if path.endswith("check-dataset.questions.json"))
    assert b"in other words" in fresh.content(checked)
    assert "2999" not in out + fresh.content(checked).decode()

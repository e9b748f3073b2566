"""The gate: what passes, what does not and why; and which model is in use after that."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import spacy

from spacy_al.config.project import open_project
from spacy_al.deployment.gate import FEWEST, Rule, judge_candidate
from spacy_al.deployment.promote import promote, rollback
from spacy_al.errors import AlError
from spacy_al.evaluation.evaluate import evaluate
from spacy_al.evaluation.text_counts import TextAnswers, text_answers
from spacy_al.store.champion import champions, n_compared
from spacy_al.store.store import Store
from spacy_al.training.latest import latest_model
from tests.deployment.conftest import command, project, write_config


def in_use():
    with Store(Path("run", "al.db"), create=False) as store:
        return [one.model for one in champions(store)]


def test_answers_make_the_score_that_spacy_makes(models):
    nlp = spacy.load(models / "some")
    found = text_answers(nlp, models / "dev.spacy")
    right = evaluate(models / "some", models / "dev.spacy")
    names = sorted(found.labels())
    sums = found.counts(names).sum(axis=0)
    for name, (hits, said, wanted) in zip(names, sums):
        assert 2 * hits / (said + wanted) == pytest.approx(right["per_label"][name]["f"])
    hits, said, wanted = sums.sum(axis=0)
    assert 2 * hits / (said + wanted) == pytest.approx(right["score"])


def test_the_first_is_in_use_without_a_comparison(run):
    first = str(Path("run", "round-000", "model-best"))
    assert latest_model(Path()) == first
    found = promote(project())
    assert found.verdict is None and found.champion.model == first and in_use() == [first]
    # the same again changes nothing
    again = promote(project())
    assert again.champion.model == first and in_use() == [first]


def test_a_better_one_takes_its_place_and_gives_it_back(run):
    first = promote(project()).champion.model
    second = run("much")
    # until it is promoted, the one in use counts, not the newest
    assert latest_model(Path()) == first
    found = promote(project())
    assert found.verdict.is_better and found.verdict.score.low > 0
    assert in_use() == [first, second] and latest_model(Path()) == second
    assert rollback(project()).model == first and latest_model(Path()) == first
    assert rollback(project()) is None
    assert latest_model(Path()) == second
    with pytest.raises(AlError, match="AL364"):
        rollback(project())


def test_a_worse_one_is_refused_with_status_4(run, models):
    used = promote(project(), models / "much").champion.model
    run("none")
    result = command("promote")
    assert result.exit_code == 4, result.output
    assert "is not surely more than" in result.output and "DRUG loses" in result.output
    assert in_use() == [used] and "Refused" in result.output.splitlines()[-1]
    # as each night until there is a better one: it is the same candidate, and has no more luck
    again = command("promote")
    assert again.exit_code == 4 and "candidates were compared" not in again.output


def test_a_dry_run_changes_nothing_and_json_has_all(run):
    promote(project())
    run("much")
    result = command("promote", "--dry-run", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["verdict"]["reasons"] == [] and found["verdict"]["labels"].keys() == {
        "DRUG",
        "PERSON",
    }
    assert len(in_use()) == 1


def test_what_has_become_of_a_candidate_is_the_last_line(run, models):
    def last(*words):
        return command(*words).output.splitlines()[-1]

    assert "compared with nothing" in last("promote")
    assert "in use already" in last("promote")
    run("much")
    assert "would be promoted. Nothing was changed" in last("promote", "--dry-run")
    assert last("promote").startswith("✔ Promoted: run/round-001/model-best")
    assert "In use since" in last("rollback") and "taken out of use" in last("rollback")
    with Store(Path("run", "al.db"), create=False) as store:
        # the first was compared with nothing
        assert n_compared(store) == 1


def test_texts_that_it_was_trained_on_do_not_judge_it(run, models):
    promote(project())
    run("much")
    with pytest.raises(AlError, match="AL361"):
        promote(project(), gold=models / "train.spacy")


def test_deploying_comes_first(run):
    code = "import sys, pathlib; pathlib.Path('live').write_text(sys.argv[1])"
    deploy = f'{sys.executable} -c "{code}" {{model}}'
    first = promote(project(), deploy=deploy).champion.model
    assert Path("live").read_text() == first
    second = run("much")
    for broken in (f"{sys.executable} -c 1/0", "no-such-command {model}"):
        with pytest.raises(AlError, match="AL362"):
            promote(project(), deploy=broken)
    assert in_use() == [first] and Path("live").read_text() == first
    assert promote(project(), deploy=deploy).champion.model == second
    assert Path("live").read_text() == second
    rollback(project(), deploy=deploy)
    assert Path("live").read_text() == first


def test_a_model_in_use_that_has_changed_is_not_used(run):
    model = Path(promote(project()).champion.model)
    # a temperature is fitted later and changes no weight
    (model / "al_calibration.json").write_text("{}")
    meta = (model / "meta.json").read_text()
    (model / "meta.json").write_text(meta + " ")
    for use in (lambda: latest_model(Path()), lambda: promote(project())):
        with pytest.raises(AlError, match="AL363"):
            use()
    shutil.rmtree(model)
    with pytest.raises(AlError, match="AL363"):
        latest_model(Path())


def test_a_model_from_elsewhere(run, models):
    promote(project())
    assert promote(project(), models / "much").champion.round is None
    assert command("promote", "--candidate", "nowhere").exit_code == 2


def test_a_run_without_a_model(tmp_path, monkeypatch, models):
    monkeypatch.chdir(tmp_path)
    shutil.copy(models / "dev.spacy", "dev.spacy")
    write_config(models)
    with Store(Path("run", "al.db")) as store:
        store.open_round(0)
    with pytest.raises(AlError, match="AL360"):
        promote(open_project(Path("x.cfg")))


# The rule


def answers(rows, wanted):
    return TextAnswers(rows, wanted, is_mean=False)


def pair(n, old_right, new_right, label="A", sure=0.9):
    """Texts with one answer each, of which each model finds some."""
    wanted = [[label]] * n
    old, new = ([[(label, sure, k < right)] for k in range(n)] for right in (old_right, new_right))
    return new, old, wanted


def test_a_label_that_loses_too_much_holds_back_what_is_better_as_a_whole():
    a, b = pair(200, 80, 160), pair(40, 36, 18, "B")
    new, old = (answers(a[k] + b[k], a[2] + b[2]) for k in (0, 1))
    found = judge_candidate(new, old, Rule())
    assert found.score.low > 0 and not found.is_better
    assert [one.partition(" ")[0] for one in found.reasons] == ["B"]
    assert judge_candidate(new, old, Rule(label_loss=0.6)).is_better


def test_a_rare_label_is_named_and_not_compared():
    a, b = pair(200, 80, 160), pair(FEWEST - 1, FEWEST - 1, 0, "B")
    new, old = (answers(a[k] + b[k], a[2] + b[2]) for k in (0, 1))
    found = judge_candidate(new, old, Rule())
    assert found.few == ["B"] and found.is_better


def test_one_that_is_sure_of_what_is_wrong_is_refused():
    right, _, wanted = pair(200, 80, 160, sure=0.8)
    _, old, _ = pair(200, 80, 160, sure=0.4)
    new = [[(label, 0.999 if k % 3 else 0.01, hit)] for k, [(label, _, hit)] in enumerate(right)]
    found = judge_candidate(answers(new, wanted), answers(old, wanted), Rule())
    assert [one for one in found.reasons if "calibration" in one] == found.reasons != []


def test_the_margin_is_what_it_must_be_better_by():
    new, old = (answers(rows, pair(200, 80, 110)[2]) for rows in pair(200, 80, 110)[:2])
    assert judge_candidate(new, old, Rule()).is_better
    assert not judge_candidate(new, old, Rule(margin=0.15)).is_better
    assert (
        "in two of them"
        in judge_candidate(answers([[]], [[]]), answers([[]], [[]]), Rule()).reasons[0]
    )

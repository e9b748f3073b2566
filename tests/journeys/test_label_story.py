"""Labels that change in mid-run: the real score does not fall with it, the reported one is the real one, and little is asked again."""

import json

import pytest
import spacy
from confection import Config
from spacy.tokens import DocBin
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.config.project import open_project
from spacy_al.loop.answers import merged_answers
from spacy_al.loop.facts import run_facts
from spacy_al.loop.labels import change, look_at_labels
from spacy_al.loop.report import write_report
from spacy_al.loop.rounds import run
from spacy_al.loop.status import status
from spacy_al.oracle.annotator import make_oracle
from spacy_al.store.store import Store
from spacy_al.tasks.relabel import AGAIN
from spacy_al.util import content_hash
from tests.helpers.chaos import ROOT
from tests.helpers.ward import ward

CONFIG = ROOT / "configs" / "ner.cfg"
THREE = ["DRUG", "PERSON", "DOSE"]
# How far F moves when the same is trained again with another seed
NOISE = 0.05
BATCH = 24
# The scorer of a model that loads where spacy-al is missing
OWN = {"@scorers": "spacy.ner_scorer.v1"}


class Story:
    """A run, its gold, and the names that its labels have by now."""

    def __init__(self, folder, **more):
        self.docs, few = ward(800, 1), ward(800, 1, THREE)
        self.names = {label: label for label in (*THREE, "ROUTE")}
        self.dev, self.test = few[500:650], self.docs[650:]
        DocBin(docs=self.docs[:500]).to_disk(folder / "pool.spacy")
        DocBin(docs=self.dev).to_disk(folder / "dev.spacy")
        how = {
            "paths.train": None,
            "paths.dev": str(folder / "dev.spacy"),
            "paths.pool": str(folder / "pool.spacy"),
            "paths.test": None,
            "al.output": str(folder / "al"),
            "al.labels": THREE,
            "al.batch_size": BATCH,
            "al.max_rounds": 20,
            "al.stopper": None,
            "training.max_steps": 100,
            "training.eval_frequency": 20,
            "training.patience": 0,
            "components.tok2vec.model.encode.width": 48,
            "components.tok2vec.model.encode.depth": 2,
        }
        self.how = {**how, **more}
        self.project = open_project(CONFIG, self.how)
        self.gold = {content_hash(doc.text): doc for doc in self.docs}

    def spans(self, ents):
        """With the names of now; what the run has no name for is not there."""
        named = ((e.start, e.end, self.names.get(e.label_)) for e in ents)
        return {span for span in named if span[2]}

    def answer(self):
        """Answer as an expert would who knows the names of now; how many questions were about a label alone."""
        oracle, again = make_oracle(), 0
        with Store(self.project.database) as store:
            for stored in store.unanswered():
                doc = self.gold[stored.item].copy()
                spans = [spacy.tokens.Span(doc, *span) for span in self.spans(doc.ents)]
                doc.set_ents(spans, default="outside")
                payload, _ = oracle(stored.task, doc, kind="entities", spans_key="sc", seed=0)
                store.add_answer(stored.id, payload, id=f"x-{stored.id}", annotator="ann")
                again += AGAIN in stored.task
        return again

    def f(self, docs, labels):
        """F of the latest model over some labels, counted here."""
        with Store(self.project.database) as store:
            number = store.round().number
        nlp = spacy.load(self.project.folder(number) / "model-best")
        right = found = both = 0
        for doc in docs:
            said = {(e.start, e.end, e.label_) for e in nlp(doc.text).ents if e.label_ in labels}
            gold = {span for span in self.spans(doc.ents) if span[2] in labels}
            right, found, both = right + len(gold), found + len(said), both + len(gold & said)
        return 2 * both / (right + found) if both else 0.0

    def step(self):
        """One round: its reported score, which is the real one, and the real score of all labels that were asked first."""
        assert run(self.project).state == "waiting"
        with Store(self.project.database) as store:
            number = store.round().number
            metrics, labels = store.metrics()[number]["dev"], store.labels().names
        saved = (self.project.folder(number) / "model-best" / "config.cfg").read_text("utf8")
        assert Config().from_str(saved)["components"]["ner"]["scorer"] == OWN
        measured = [self.names[label] for label in THREE if label in self.names]
        assert metrics["labels"] == measured
        assert metrics["not_measured"].keys() == {*labels} - {*measured}
        assert metrics["score"] == pytest.approx(self.f(self.dev, measured), abs=1e-9)
        return self.f(self.test, measured)


@pytest.mark.slow
def test_a_label_is_added_one_renamed_and_one_removed(tmp_path):
    story = Story(tmp_path)
    project = story.project
    assert run(project).state == "waiting"
    story.answer()
    best = before = story.step()
    story.answer()

    change(project, "add", ["ROUTE"])
    again, scores, routes = [], [], []
    for _ in range(4):
        scores.append(story.step())
        routes.append(story.f(story.test, ["ROUTE"]))
        again.append(story.answer())
        best = max(best, scores[-1])
        assert scores[-1] > best - NOISE, (before, scores)
    assert routes[0] == 0 and routes[-1] > 0.7, routes
    # nothing is asked again before a model knows the label, and then a few a round
    assert again[0] == 0 and sum(again) > 0 and max(again) <= BATCH // 4

    change(project, "rename", ["PERSON"], "NAME")
    story.names["PERSON"] = "NAME"
    assert story.step() > best - NOISE
    story.answer()
    kept = marks(project)

    dose = story.names.pop("DOSE")
    change(project, "remove", ["DOSE"])
    assert "DOSE" not in marks(project)
    assert story.step() > best - NOISE
    change(project, "undo", [])
    story.names["DOSE"] = dose
    assert marks(project) == kept

    with Store(project.database) as store:
        whole = [stored.item for stored in store.tasks() if AGAIN not in stored.task]
        asked_again = [stored.item for stored in store.tasks() if AGAIN in stored.task]
        metrics = store.metrics()
    assert len(whole) == len({*whole}) and len(asked_again) == len({*asked_again})
    # a name changes no meaning; that DOSE was gone does
    last = max(metrics)
    broken = [row["round"] for row in status(project)["rounds"] if row["breaks"]]
    assert broken == [row["round"] for row in run_facts(project)["rounds"] if row["breaks"]]
    assert broken == [last]
    page = write_report(project).read_text("utf8")
    assert f"The curve breaks at round {last}" in page and "without DOSE" in page
    assert "ROUTE is not measured" in page


def marks(project):
    with Store(project.database) as store:
        return dict(merged_answers(store, project).balance)


@pytest.mark.slow
def test_a_development_set_that_is_asked_for_measures_a_label_once_all_of_it_was(tmp_path):
    small = {"al.batch_size": 20, "al.dev_size": 30, "paths.dev": None}
    story = Story(tmp_path, **small, **{"training.max_steps": 40})
    project, scores = story.project, []
    assert run(project).state == "waiting"
    story.answer()
    run(project)
    # the questions that wait show it at once, and every answer says what it was shown
    change(project, "add", ["ROUTE"])
    lines = (project.folder(1) / "tasks.jsonl").read_text("utf8").splitlines()
    assert {json.loads(line)["labels"][-1] for line in lines} == {"ROUTE"}
    story.answer()
    for _ in range(3):
        run(project)
        with Store(project.database) as store:
            number = store.round().number
            scores.append(store.metrics()[number]["dev"])
            tasks = [stored.task for stored in store.tasks(number, purpose="dev")]
            asked = [task[AGAIN] for task in tasks if AGAIN in task]
            if number == 2:
                assert asked == [["ROUTE"]] * 16
        story.answer()
    # eight texts of each of the first two rounds; those that come later are asked about all labels
    assert [score["labels"] for score in scores] == [THREE, [*THREE, "ROUTE"], [*THREE, "ROUTE"]]
    assert "0 of 16" in scores[0]["not_measured"]["ROUTE"]
    assert [row.measured for row in look_at_labels(project)] == [True] * 4
    words = [f"--{key}={json.dumps(value)}" for key, value in story.how.items()]
    shown = CliRunner().invoke(app, ["status", str(CONFIG), *words])
    assert shown.exit_code == 0 and "dev counts other labels" in shown.output, shown.output

"""The end of a pool: its last texts are asked together, and nothing is trained for two answers."""

import pytest
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from spacy_al.config.project import open_project
from spacy_al.errors import AlError
from spacy_al.loop.batch import choose_batch
from spacy_al.loop.rounds import run
from spacy_al.store.store import Store
from tests.helpers.chaos import LABELS, OVERRIDES, ROOT, corpus


@pytest.fixture
def small(tmp_path):
    corpus(tmp_path)
    return tmp_path


def project_of(small, show=print, **more):
    names = {"train": "seed", "dev": "dev", "pool": "few"}
    paths = {f"paths.{name}": str(small / f"{file}.spacy") for name, file in names.items()}
    own = {**paths, **OVERRIDES, "paths.test": None, "al.labels": LABELS, "al.batch_size": 8}
    own |= {"al.output": str(small / "al"), "al.max_rounds": 9, "training.max_steps": 3, **more}
    gold = small / "pool_gold.spacy"
    return open_project(ROOT / "configs" / "ner.cfg", own, oracle=gold, show=show)


def finish(small, n_pool, said, **more):
    """Run on a pool of so many texts, answered from gold."""
    docs = list(DocBin().from_disk(small / "pool_gold.spacy").get_docs(Vocab()))
    DocBin(docs=docs[:n_pool]).to_disk(small / "few.spacy")
    project = project_of(small, said.append, **more)
    outcome = run(project)
    with Store(project.database) as store:
        asked = [stored.round for stored in store.tasks()]
    return outcome, [asked.count(number) for number in sorted({*asked})]


@pytest.mark.slow
def test_the_last_texts_are_asked_together(small):
    said = []
    outcome, asked = finish(small, 19, said)
    # not 8, 8, 3
    assert asked == [8, 11] and outcome.round == 2 and outcome.state == "stopped"
    assert "AL086" not in outcome.sentence and "left out" in outcome.sentence
    assert any("asks all 11 texts that are left" in line for line in said)


@pytest.mark.slow
def test_two_texts_are_no_round(small):
    outcome, asked = finish(small, 2, [])
    assert asked == [] and (outcome.state, outcome.round) == ("stopped", 0)
    assert outcome.sentence.startswith("Stops: 2 texts of ")
    pool, model = small / "few.spacy", str(small / "al" / "round-000" / "model-best")
    with pytest.raises(AlError, match="AL164"):
        choose_batch(project_of(small), pool, 0, n=8, model=model)
    # with a smaller batch it goes on where it was
    outcome, asked = finish(small, 2, [], **{"al.batch_size": 2})
    assert asked == [2] and (outcome.state, outcome.round) == ("stopped", 1)


def test_a_batch_that_copies_make_small_is_said(small):
    texts = [f"He took {number} mg." for number in range(10, 40)] + ["She left the ward early."]
    DocBin(docs=[Doc(Vocab(), words=text.split()) for text in texts]).to_disk(small / "few.spacy")
    said = []
    batch = choose_batch(project_of(small, said.append), small / "few.spacy", 0, n=8, model=None)
    assert len(batch.tasks) == 2
    assert "chooses 2 texts, not 8: 29 more are near duplicates of these" in said[0]

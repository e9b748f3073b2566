"""What a person reads when a model lacks what is asked of it: its encoder, its folder, its temperature, a label."""

import json
import re

import pytest
import spacy
from spacy.tokens import DocBin, Span
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.errors import AlError
from spacy_al.posteriors.temperature import (
    FILE,
    fitted_temperature,
    read_calibration,
    write_calibration,
)
from tests.helpers.ner_oracle import WORDS, make_ner
from tests.helpers.shards import write_shards

# processes, or pipelines that are fitted or saved
pytestmark = pytest.mark.slow

CONFIG = """
[nlp]
lang = "en"

[al]

[al.embedding]
@al_embeddings = "spacy-al.encoder.v1"
"""
TEXTS = [f"{first} {second}" for first in WORDS for second in WORDS[:4]]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A pool, gold documents, a config, and models: one without a shared encoder, one whose ruler knows a label of its own."""
    path = tmp_path_factory.mktemp("place")
    nlp = spacy.blank("en")
    docs = [nlp.make_doc(text) for text in TEXTS]
    write_shards(docs, path / "pool")
    for doc in docs:
        doc.ents = [Span(doc, 0, 1, "DRUG")]
    DocBin(docs=docs).to_disk(path / "gold.spacy")
    (path / "encoder.cfg").write_text(CONFIG)
    made = make_ner()
    made.to_disk(path / "model")
    ruler = made.add_pipe("entity_ruler", before="ner")
    ruler.add_patterns([{"label": "ALIEN", "pattern": "Dr Smith"}])
    made.to_disk(path / "ruled")
    return path


def command(*words):
    return CliRunner().invoke(app, list(map(str, words)))


def check(result, code, *says, status=1):
    """One message with its code, what was found and what to do."""
    assert result.exit_code == status, result.output
    (message,) = re.findall(rf"✘ (\[{code}\] .*)", result.stderr)
    assert "Traceback" not in result.output and result.stdout == ""
    for part in says:
        assert part in message, message


@pytest.mark.parametrize("model", [("--cold",), ("-m", "model", "--density-weight", "1")])
def test_vectors_of_an_encoder_that_is_not_there(place, tmp_path, monkeypatch, model):
    monkeypatch.chdir(place)
    result = command(
        "select", "pool", "--config", "encoder.cfg", *model, "-o", tmp_path / "b.jsonl"
    )
    check(result, "AL013", "no shared encoder", "Use `spacy-al.hashed_words.v1` as the embedding.")
    assert not (tmp_path / "b.jsonl").exists()


def test_a_damaged_temperature_is_named(place, tmp_path):
    nlp = spacy.load(place / "model")
    nlp.to_disk(tmp_path / "model")
    nlp, file = spacy.load(tmp_path / "model"), tmp_path / "model" / FILE
    says = (f"{file} is damaged.", "Delete it and run `spacy-al calibrate` again.")
    for damage in ("", "[]", "3", '{"half'):
        file.write_text(damage)
        with pytest.raises(AlError, match=r"AL015.*is damaged"):
            read_calibration(nlp, "ner")
    select = ("select", place / "pool", "-m", tmp_path / "model", "-o", tmp_path / "b.jsonl")
    for words in (select, ("calibrate", tmp_path / "model", place / "gold.spacy")):
        check(command(*words), "AL015", *says)
    # left for whoever wants to look at it
    assert file.read_text() == '{"half'
    file.unlink()
    assert command(*select).exit_code == 0


def test_a_pipeline_without_a_folder_keeps_no_temperature(tmp_path):
    nlp = make_ner()
    with pytest.raises(AlError) as caught:
        write_calibration(nlp, "ner", {"temperature": 2.0})
    assert str(caught.value) == (
        "[AL011] This pipeline was not loaded from a directory, so there is nowhere to keep its temperature. "
        "Save it with nlp.to_disk, load it from there, and calibrate that."
    )
    assert read_calibration(nlp, "ner") is None and fitted_temperature(nlp, "ner") == 1.0
    # as it says
    nlp.to_disk(tmp_path / "model")
    loaded = spacy.load(tmp_path / "model")
    assert write_calibration(loaded, "ner", {"temperature": 2.0}) == tmp_path / "model" / FILE
    assert fitted_temperature(loaded, "ner") == 2.0


def test_entities_of_a_ruler_that_the_model_does_not_know(place, tmp_path):
    result = command(
        "select", place / "pool", "-m", place / "ruled", "--component", "ner", "-n", "3", "-o", "-"
    )
    assert result.exit_code == 0 and len(result.stdout.splitlines()) == 3
    assert "ALW001" not in result.stderr
    for line in result.stdout.splitlines():
        task = json.loads(line)
        # they hold, and nobody is asked about them
        assert "ALIEN" not in task["labels"]
        assert {span["label"] for span in task["spans"]} <= {*task["labels"]}

"""Static vectors distilled from a pool: what they are, how often they are made, and what spaCy does with them."""

import hashlib
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import numpy
import pytest
import spacy
from numpy.testing import assert_allclose
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import fix_random_seed
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.embeddings import distill as distill_module
from spacy_al.embeddings.cache import open_cache
from spacy_al.embeddings.distill import choose_words, count_words, distill
from spacy_al.embeddings.encode import encode_docs
from spacy_al.embeddings.encoder import EncoderSettings, Encoding, open_encoder, unit_length
from spacy_al.embeddings.vectors_folder import read_about, write_vectors
from spacy_al.errors import AlError, AlWarning, UsageError
from tests.helpers.encoders import HashEncoder, save_tiny_bert
from tests.helpers.shards import write_shards

# pipelines that are saved, loaded or trained
pytestmark = pytest.mark.slow

NLP = spacy.blank("en")
SETTINGS = EncoderSettings("contexts")
TEXTS = [
    "The rent is due . The loan is not",
    "A loan of pain , a dose of rent",
    "the patient took two dose",
    "fever !  fever and pain",
    "Rent is rent",
]


class ContextEncoder(HashEncoder):
    """A word's vector depends on the word before it; "!" has none."""

    def _encode(self, doc):
        words = ["", *(token.text for token in doc)]
        rows = [self._row(f"{a} {b}") * (b != "!") for a, b in pairwise(words)]
        tokens = numpy.array(rows, dtype="f4").reshape(len(doc), self.width)
        return Encoding(unit_length(tokens.sum(axis=0)), tokens)


@pytest.fixture
def encoder(monkeypatch):
    encoder = ContextEncoder("contexts")
    monkeypatch.setattr(distill_module, "open_encoder", lambda _: encoder)
    return encoder


@pytest.fixture
def pool(tmp_path):
    write_shards(
        [NLP.make_doc(text) for text in [*TEXTS, TEXTS[0]]], tmp_path / "pool", shard_size=2
    )
    return tmp_path / "pool"


@pytest.fixture
def make(pool, encoder, tmp_path):
    """`distill` with the arguments that all tests share."""

    def make(pool=pool, folder=tmp_path / "vectors", **more):
        return distill(pool, NLP, SETTINGS, folder, cache=tmp_path / "cache", **more)

    return make


def contexts(texts=TEXTS, version=1):
    """Each word's vectors in all of its contexts, by a loop."""
    encoder, found = ContextEncoder("contexts", version), {}
    cache = None
    for text in texts:
        doc = NLP.make_doc(text)
        for token, row in zip(doc, encode_docs(encoder, cache, [doc])[0].tokens):
            if row.any() and not token.is_space:
                found.setdefault(token.text, []).append(row)
    return found


def vectors_of(folder):
    vocab = spacy.load(folder).vocab
    keys = vocab.vectors.keys()
    return {vocab.strings[key]: vocab.vectors[key] for key in keys}


def assert_same_shape(vectors, rows):
    """Whether vectors are rows moved, turned, and stretched in all directions alike."""
    words = sorted(vectors)
    assert words == sorted(rows)
    a, b = (numpy.array([each[word] for word in words]) for each in (vectors, rows))
    a, b = ((each - each.mean(0)) @ (each - each.mean(0)).T for each in (a, b))
    assert_allclose(a / a.trace(), b / b.trace(), atol=1e-6)


# What the vectors are


def test_a_word_has_the_mean_of_its_contexts(make, tmp_path):
    done = make()
    found = contexts()
    assert_same_shape(
        vectors_of(tmp_path / "vectors"), {w: numpy.mean(r, 0) for w, r in found.items()}
    )
    assert len(found["rent"]) == 3 and "!" not in found and " " not in found
    assert done.about["words"] == len(found) and done.about["words_alone"] == 0
    assert done.about["contexts"] == sum(map(len, found.values()))
    assert (done.about["texts"], done.about["width"], done.about["variance"]) == (5, 8, 1.0)
    # as spaCy looks them up
    nlp = spacy.load(tmp_path / "vectors")
    assert nlp("rent").vector.any() and nlp("rent")[0].has_vector
    assert not nlp("RENT")[0].has_vector


def test_fewer_numbers_keep_what_differs_most(make, tmp_path):
    done = make(dim=3)
    rows = numpy.array([numpy.mean(r, 0) for _, r in sorted(contexts().items())])
    share = numpy.linalg.svd(rows - rows.mean(0))[1] ** 2
    assert done.about["variance"] == pytest.approx(share[:3].sum() / share.sum(), abs=1e-4)
    assert {len(vector) for vector in vectors_of(tmp_path / "vectors").values()} == {3}


def test_rare_words_and_words_of_other_corpora_are_encoded_alone(make, encoder, tmp_path):
    write_shards([NLP.make_doc("lease lease rent fever"), NLP.make_doc("judge")], tmp_path / "more")
    done = make(min_count=2, words_of=[tmp_path / "more"])
    found, alone = contexts(), {}
    counts = {word: len(rows) for word, rows in found.items()}
    rows = {word: numpy.mean(found[word], 0) for word in found if counts[word] > 1}
    for word in [*(word for word in found if counts[word] == 1), "lease", "judge"]:
        alone[word] = encoder._row(f" {word}").astype("f2").astype("f4")
    assert "rent" in rows and "two" in alone
    assert_same_shape(vectors_of(tmp_path / "vectors"), rows | alone)
    assert done.about["words_alone"] == len(alone)


def test_which_words_have_vectors():
    counts, more = Counter(a=5, b=3, c=3, d=1), Counter(z=9, y=2, a=9)
    assert choose_words(counts, more, 1, 99) == (["a", "b", "c", "d"], ["z", "y"])
    assert choose_words(counts, more, 3, 99) == (["a", "b", "c"], ["d", "z", "y"])
    assert choose_words(counts, more, 2, 3) == (["a", "b", "c"], [])
    assert choose_words(counts, more, 4, 2) == (["a"], ["b"])


def test_words_of_other_corpora_are_counted(tmp_path):
    docs = [NLP.make_doc("a  b a"), Doc(Vocab(), words=["x", "-", "y"], spaces=[False] * 3)]
    write_shards(docs, tmp_path / "more")
    paths = [tmp_path / "more", tmp_path / "more" / "00000.spacy"]
    assert count_words(paths, NLP) == {"a": 4, "b": 2, "x": 2, "-": 2, "y": 2}
    assert count_words([], NLP) == {}
    with pytest.raises(AlError, match="AL040"):
        count_words([tmp_path / "none"], NLP)


# How often they are made


def test_nothing_is_encoded_twice_and_nothing_made_twice(make, pool, encoder, tmp_path):
    told = []
    first = make(min_count=2, tell=told.append)
    assert told[0].plan.new_texts == 5 and not first.reused and not first.changed
    seen = len(encoder.seen)
    assert seen == len(set(encoder.seen))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "vectors").rglob("*")}
    again = make(min_count=2, tell=told.append)
    assert again.reused and again.about == first.about
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "vectors").rglob("*")}
    other = make(min_count=2, dim=2)
    assert not other.reused and other.changed == ["dim"] and other.about["width"] == 2
    assert len(encoder.seen) == seen
    write_shards([NLP.make_doc("a new rent")], tmp_path / "new")
    (tmp_path / "new" / "00000.spacy").rename(pool / "00009.spacy")
    grown = make(min_count=2, dim=2)
    assert grown.changed == ["pool_hash"] and "new" in vectors_of(tmp_path / "vectors")
    assert encoder.seen[seen:] == ["a new rent", "new"]
    encoder.hash = "0" * 16
    with pytest.warns(AlWarning, match="ALW302"):
        assert make(min_count=2, dim=2).changed == ["encoder_hash"]
    more = make(min_count=2, dim=2, words_of=[pool])
    assert more.changed == ["words_of_hash"]
    assert not list(tmp_path.glob(".vectors*"))


@pytest.mark.parametrize("part", ["vocab/vectors", "config.cfg"])
def test_vectors_that_are_not_whole_are_made_again(make, tmp_path, part):
    make()
    (tmp_path / "vectors" / part).unlink()
    assert not make().reused and (tmp_path / "vectors" / part).exists()


def test_what_is_cut_off_leaves_what_was_there(make, encoder, tmp_path, monkeypatch):
    def cut_off(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("spacy.language.Language.to_disk", cut_off)
        with pytest.raises(KeyboardInterrupt):
            make()
    assert not (tmp_path / "vectors").exists() and not list(tmp_path.glob(".vectors*"))
    seen = len(encoder.seen)
    make()
    assert len(encoder.seen) == seen
    whole = vectors_of(tmp_path / "vectors")
    with monkeypatch.context() as patch:
        patch.setattr("spacy.language.Language.to_disk", cut_off)
        with pytest.raises(KeyboardInterrupt):
            make(dim=2)
    assert vectors_of(tmp_path / "vectors").keys() == whole.keys()
    assert make().reused


# What cannot be


def test_other_things_are_not_replaced(make, tmp_path):
    (tmp_path / "vectors").mkdir()
    make()
    precious = tmp_path / "precious"
    NLP.to_disk(precious)
    with pytest.raises(AlError, match=r"AL306.*precious"):
        make(folder=precious)
    assert spacy.load(precious).vocab.vectors.shape[0] == 0
    (tmp_path / "file").write_text("a")
    with pytest.raises(AlError, match="AL306"):
        make(folder=tmp_path / "file")
    with pytest.raises(AlError, match="AL306"):
        write_vectors(precious, "en", ["a"], numpy.ones((1, 2), "f4"), {})
    assert read_about(precious) == read_about(tmp_path / "none") == {}


@pytest.mark.parametrize("name", ["dim", "min_count", "max_words", "n_process"])
def test_limits_are_positive(make, tmp_path, name):
    with pytest.raises(UsageError, match=f"AL087.*{name} is 0"):
        make(**{name: 0})
    assert not (tmp_path / "cache").exists()


def test_an_encoder_that_knows_no_word(make, tmp_path):
    write_shards([NLP.make_doc("! !")], tmp_path / "noise")
    with pytest.raises(AlError, match=r"AL307.*contexts.*noise"):
        make(tmp_path / "noise")
    assert not (tmp_path / "vectors").exists()


# With spaCy alone, and with real encoders


def test_the_vectors_need_neither_torch_nor_this_package(make, tmp_path):
    make()
    code = """
import sys
from importlib import metadata
# as if this package were not installed: spaCy imports what its entry points name
distributions = metadata.distributions
metadata.distributions = lambda **more: [d for d in distributions(**more) if d.name != "spacy-al"]
for name in ("torch", "transformers", "spacy_al"):
    sys.modules[name] = None
import spacy
nlp = spacy.load(sys.argv[1])
print(nlp("the rent of pain").vector.any(), nlp.meta["distilled"]["texts"], nlp.pipe_names)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "vectors")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split(None, 2) == ["True", "5", "[]\n"], done.stderr


def test_a_component_is_trained_on_them(make, tmp_path):
    make()
    fix_random_seed(0)
    nlp = spacy.blank("en")
    # as a config names them
    nlp.config["initialize"]["vectors"] = str(tmp_path / "vectors")
    model = {
        "@architectures": "spacy.Tok2Vec.v2",
        "embed": {
            "@architectures": "spacy.MultiHashEmbed.v2",
            "width": 16,
            "attrs": ["SHAPE"],
            "rows": [50],
            "include_static_vectors": True,
        },
        "encode": {
            "@architectures": "spacy.MaxoutWindowEncoder.v2",
            "width": 16,
            "window_size": 1,
            "maxout_pieces": 2,
            "depth": 1,
        },
    }
    nlp.add_pipe(
        "tagger", config={"model": {"@architectures": "spacy.Tagger.v2", "tok2vec": model}}
    )
    tags = [["X" if token.text == "rent" else "O" for token in NLP(text)] for text in TEXTS]
    examples = [Example.from_dict(nlp.make_doc(text), {"tags": t}) for text, t in zip(TEXTS, tags)]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(150):
        nlp.update(examples, sgd=optimizer)
    # two words of the same shape are told apart by their vectors alone
    assert [token.tag_ for token in nlp("rent and dose")] == ["X", "O", "O"]
    nlp.to_disk(tmp_path / "model")
    (tmp_path / "vectors").rename(tmp_path / "elsewhere")
    assert [t.tag_ for t in spacy.load(tmp_path / "model")("rent and dose")] == ["X", "O", "O"]


@pytest.mark.transformers
def test_a_transformer_is_distilled(pool, tmp_path):
    pytest.importorskip("torch")
    name = str(save_tiny_bert(tmp_path / "bert"))
    settings, cache = EncoderSettings(name, layers=(1, 2)), tmp_path / "cache"
    distill(pool, NLP, settings, tmp_path / "vectors", cache=cache, dim=16)
    encoder, found = open_encoder(settings), {}
    for text in TEXTS:
        doc = NLP.make_doc(text)
        for token, row in zip(doc, encoder.encode([doc])[0].tokens):
            if row.any():
                found.setdefault(token.text, []).append(row)
    vectors = vectors_of(tmp_path / "vectors")
    assert len(vectors) == len(found) > 12
    words = sorted(found)
    a = numpy.array([vectors[word] for word in words])
    b = numpy.array([numpy.mean(found[word], 0) for word in words])
    a, b = ((each - each.mean(0)) @ (each - each.mean(0)).T for each in (a, b))
    assert_allclose(a / a.trace(), b / b.trace(), atol=1e-3)
    assert len(open_cache(cache, encoder)) == 5


# The command


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """The folder of a pipeline with static vectors, an encoder that needs no extra."""
    nlp = spacy.blank("en")
    for word in {word for text in TEXTS for word in text.split()}:
        seed = int(hashlib.blake2b(word.encode(), digest_size=4).hexdigest(), 16)
        vector = numpy.random.default_rng(seed).normal(size=6).astype("f4")
        nlp.vocab.set_vector(word, vector)
    path = tmp_path_factory.mktemp("vectors") / "pipeline"
    nlp.to_disk(path)
    return str(path)


def run(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


def test_the_command(pool, pipeline, tmp_path):
    where = ["-e", pipeline, "-o", tmp_path / "vectors", "--cache", tmp_path / "cache"]
    done = run("distill", pool, *where, "--dim", 4)
    assert done.exit_code == 0, done.output
    assert "5 texts with 32 tokens; not in the cache yet: 5 with 32" in done.output
    n_words = len({word for text in TEXTS for word in text.split()})
    assert f"is made: vectors of {n_words} words, 4 numbers each" in done.output
    assert f"--paths.vectors {tmp_path / 'vectors'}" in done.output
    again = run("distill", pool, *where, "--dim", 4)
    assert again.exit_code == 0 and "is left as it is" in again.output
    assert "was made of the same pool" in again.output and "texts" not in again.output
    other = run("distill", pool, *where, "--dim", 3, "--min-count", 2)
    assert other.exit_code == 0 and "made of others (dim, min count)" in other.output
    assert "encoded alone" in other.output and "not in the cache yet: 0" in other.output
    quiet = run("distill", pool, *where, "--quiet")
    assert quiet.exit_code == 0 and quiet.output == ""


@pytest.mark.parametrize(
    "extra, status, said",
    [
        (["-e", "no-such-encoder"], 1, "AL300"),
        ([], 2, "--encoder"),
        (["-e", "PIPELINE", "--dim", "0"], 2, "AL087"),
        (["-e", "PIPELINE", "--layers", "a"], 2, "AL087"),
        (["-e", "PIPELINE", "--n-process", "2", "--gpu-id", "0"], 2, "1 with --gpu-id"),
        (["-e", "PIPELINE", "--words-of", "nowhere"], 1, "AL040"),
        (["-e", "PIPELINE", "-o", "PIPELINE"], 1, "AL306"),
    ],
)
def test_the_command_explains_what_is_wrong(pool, pipeline, tmp_path, extra, status, said):
    extra = [pipeline if word == "PIPELINE" else word for word in extra]
    done = run("distill", pool, "-o", tmp_path / "v", "--cache", tmp_path / "cache", *extra)
    assert done.exit_code == status and said in done.output, done.output
    assert "Traceback" not in done.output

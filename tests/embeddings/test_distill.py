"""Static vectors distilled from a pool: what they are, how often they are made, and what spaCy does with them."""

import hashlib
import subprocess
import sys
from collections import Counter
from functools import partial
from itertools import pairwise

import numpy
import pytest
import spacy
from numpy.testing import assert_allclose, assert_array_equal
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import fix_random_seed
from spacy.vectors import Vectors
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.embeddings import distill as distill_module
from spacy_al.embeddings.cache import open_cache
from spacy_al.embeddings.distill import choose_words, count_words, distill, words_alone
from spacy_al.embeddings.encode import encode_docs
from spacy_al.embeddings.encoder import EncoderSettings, Encoding, open_encoder, unit_length
from spacy_al.embeddings.subwords import subword_vectors
from spacy_al.embeddings.vectors_folder import read_about, write_vectors
from spacy_al.errors import AlError, AlWarning, UsageError
from tests.helpers.encoders import HashEncoder, save_tiny_bert
from tests.helpers.shards import write_shards

# pipelines that are saved, loaded or trained
pytestmark = pytest.mark.slow

NLP = spacy.blank("en")
SETTINGS = EncoderSettings("contexts")
# So that words get their vectors to the third digit
EXACT = partial(subword_vectors, penalty=1e-7)
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
    monkeypatch.setattr(distill_module, "shared_encoder", lambda *_: encoder)
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


def contexts(encoder):
    """Each word's vectors in all of its contexts, by a loop."""
    found = {}
    for text in TEXTS:
        doc = NLP.make_doc(text)
        for token, row in zip(doc, encode_docs(encoder, None, [doc])[0].tokens):
            if row.any() and not token.is_space:
                found.setdefault(token.text.lower(), []).append(row)
    return found


def vectors_of(folder, words):
    """What spaCy says of words."""
    nlp = spacy.load(folder)
    return {word: nlp.vocab[word].vector for word in words}


def assert_same_shape(vectors, rows, atol):
    """Whether vectors are rows moved, turned, and stretched in all directions alike."""
    words = sorted(rows)
    a, b = (numpy.array([each[word] for word in words]) for each in (vectors, rows))
    a, b = ((each - each.mean(0)) @ (each - each.mean(0)).T for each in (a, b))
    assert_allclose(a / a.trace(), b / b.trace(), atol=atol)


# What the vectors are


def test_a_word_has_the_mean_of_its_contexts(make, tmp_path, monkeypatch):
    monkeypatch.setattr(distill_module, "subword_vectors", EXACT)
    done = make()
    found = contexts(ContextEncoder("contexts"))
    means = {word: numpy.mean(rows, 0) for word, rows in found.items()}
    assert_same_shape(vectors_of(tmp_path / "vectors", means), means, atol=0.01)
    assert len(found["rent"]) == 4 and "!" not in found and " " not in found
    assert done.about["words"] == len(found) and done.about["words_alone"] == 0
    assert done.about["contexts"] == sum(map(len, found.values()))
    assert (done.about["texts"], done.about["width"], done.about["variance"]) == (5, 8, 1.0)
    # as spaCy looks them up; what the pool lacks has a vector, too
    nlp = spacy.load(tmp_path / "vectors")
    rent, capital, other = nlp("rent RENT rents")
    assert_array_equal(rent.vector, capital.vector)
    assert 0.3 < rent.similarity(other) < 0.99
    assert rent.similarity(other) > abs(rent.similarity(nlp("xyzzy")[0]))


def test_they_are_an_encoder_themselves(make, tmp_path):
    make()
    encoder = open_encoder(EncoderSettings(str(tmp_path / "vectors")))
    doc = spacy.load(tmp_path / "vectors")("The RENT of rents")
    found = encoder.encode([doc])[0]
    assert_allclose(found.tokens, [token.vector for token in doc], atol=1e-6)
    assert found.tokens[1].any()


def test_fewer_numbers_keep_what_differs_most(make, tmp_path):
    done = make(dim=3, rows=512)
    rows = [numpy.mean(r, 0) for _, r in sorted(contexts(ContextEncoder("contexts")).items())]
    share = numpy.linalg.svd(rows - numpy.mean(rows, 0))[1] ** 2
    assert done.about["variance"] == pytest.approx(share[:3].sum() / share.sum(), abs=1e-4)
    assert spacy.load(tmp_path / "vectors").vocab.vectors.shape == (512, 3)


def test_words_of_other_corpora_are_encoded_alone(make, encoder, tmp_path):
    write_shards([NLP.make_doc("lease lease rent fever"), NLP.make_doc("judge")], tmp_path / "m")
    done = make(words_of=[tmp_path / "m"])
    words = contexts(ContextEncoder("contexts"))
    assert done.about["words"] == len(words) and done.about["words_alone"] == 2
    assert {"lease", "judge", "rent"} < set(encoder.seen)
    made = vectors_of(tmp_path / "vectors", ["lease", "judge"])
    make(folder=tmp_path / "without")
    for word, vector in vectors_of(tmp_path / "without", ["lease", "judge"]).items():
        assert numpy.linalg.norm(made[word] - vector) > 0.1 * numpy.linalg.norm(made[word])
    few = make(folder=tmp_path / "few", words_of=[tmp_path / "m"], max_words=3)
    assert (few.about["words"], few.about["words_alone"]) == (3, 0)


def test_a_word_alone_is_moved_to_its_contexts(monkeypatch):
    """An encoder that says of a word in context what it says of it alone, turned and moved."""
    rng = numpy.random.default_rng(0)
    turn = numpy.linalg.qr(rng.normal(size=(8, 8)))[0]
    encoder, words = HashEncoder(), [f"w{i}" for i in range(300)]
    alone = numpy.array([encoder._row(word) for word in words])
    means = (alone @ turn + 5).astype("f4")
    found, moved = words_alone(encoder, None, words[200:], words[:200], means[:200])
    assert found == words[200:]
    assert_allclose(moved, means[200:], atol=0.15)
    monkeypatch.setattr(encoder, "_row", lambda word: numpy.zeros(8))
    found, moved = words_alone(encoder, None, ["a"], words[:200], means[:200])
    assert found == [] and moved.shape == (0, 8)


def test_which_words_have_vectors():
    counts, more = Counter(a=5, b=3, c=3, d=1), Counter(z=9, y=2, a=9)
    assert choose_words(counts, more, 99) == (["a", "b", "c", "d"], ["z", "y"])
    assert choose_words(counts, more, 5) == (["a", "b", "c", "d"], ["z"])
    assert choose_words(counts, more, 2) == (["a", "b"], [])


def test_words_of_other_corpora_are_counted(tmp_path):
    docs = [NLP.make_doc("A  b a"), Doc(Vocab(), words=["x", "-", "y"], spaces=[False] * 3)]
    write_shards(docs, tmp_path / "more")
    paths = [tmp_path / "more", tmp_path / "more" / "00000.spacy"]
    assert count_words(paths, NLP) == {"a": 4, "b": 2, "x": 2, "-": 2, "y": 2}
    assert count_words([], NLP) == {}
    with pytest.raises(AlError, match="AL040"):
        count_words([tmp_path / "none"], NLP)


# How often they are made


def test_nothing_is_encoded_twice_and_nothing_made_twice(make, pool, encoder, tmp_path):
    more, told = tmp_path / "more", []
    write_shards([NLP.make_doc("judge")], more)
    first = make(words_of=[more], tell=told.append)
    assert told[0].plan.new_texts == 5 and not first.reused and not first.changed
    seen = len(encoder.seen)
    assert seen == len(set(encoder.seen))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "vectors").rglob("*")}
    again = make(words_of=[more], tell=told.append)
    assert again.reused and again.about == first.about
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "vectors").rglob("*")}
    other = make(words_of=[more], dim=2)
    assert not other.reused and other.changed == ["dim"] and other.about["width"] == 2
    assert len(encoder.seen) == seen
    write_shards([NLP.make_doc("a new rent")], tmp_path / "new")
    (tmp_path / "new" / "00000.spacy").rename(pool / "00009.spacy")
    grown = make(words_of=[more], dim=2)
    assert grown.changed == ["pool_hash"] and grown.about["words"] == first.about["words"] + 1
    assert encoder.seen[seen:] == ["a new rent", "new"]
    encoder.hash = "0" * 16
    with pytest.warns(AlWarning, match="ALW302"):
        assert make(words_of=[more], dim=2).changed == ["encoder_hash"]
    more = make(dim=2)
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
    whole = vectors_of(tmp_path / "vectors", ["rent"])["rent"]
    with monkeypatch.context() as patch:
        patch.setattr("spacy.language.Language.to_disk", cut_off)
        with pytest.raises(KeyboardInterrupt):
            make(dim=2)
    assert_array_equal(vectors_of(tmp_path / "vectors", ["rent"])["rent"], whole)
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
        write_vectors(precious, "en", Vectors(shape=(1, 2)), {})
    assert read_about(precious) == read_about(tmp_path / "none") == {}


@pytest.mark.parametrize("name", ["dim", "rows", "max_words", "n_process"])
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
def test_a_transformer_is_distilled(pool, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(distill_module, "subword_vectors", EXACT)
    name = str(save_tiny_bert(tmp_path / "bert"))
    settings, cache = EncoderSettings(name, layers=(1, 2)), tmp_path / "cache"
    distill(pool, NLP, settings, tmp_path / "vectors", cache=cache, dim=16)
    encoder = open_encoder(settings)
    means = {word: numpy.mean(rows, 0) for word, rows in contexts(encoder).items()}
    assert len(means) > 12
    assert_same_shape(vectors_of(tmp_path / "vectors", means), means, atol=0.01)
    assert len(open_cache(cache, encoder)) == 5


# The command


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """The folder of a pipeline with static vectors, an encoder that needs no extra."""
    nlp = spacy.blank("en")
    for word in {word for text in [*TEXTS, "lease"] for word in text.split()}:
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
    assert "is made: vectors of 4 numbers, out of 18 words of the pool. " in done.output
    assert f"--paths.vectors {tmp_path / 'vectors'}" in done.output
    more = tmp_path / "more"
    write_shards([NLP.make_doc("lease Dose")], more)
    again = run("distill", pool, *where, "--dim", 4)
    assert again.exit_code == 0 and "is left as it is" in again.output
    assert "was made of the same pool" in again.output and "texts" not in again.output
    other = run("distill", pool, *where, "--dim", 3, "--words-of", more)
    assert other.exit_code == 0 and "made of others (words of hash, dim)" in other.output
    assert "and 1 encoded alone" in other.output and "not in the cache yet: 0" in other.output
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

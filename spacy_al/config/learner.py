"""What a round's model learns from beside the labels: nothing, static vectors of the pool, or a pretrained encoder.

A learner changes a config where spaCy lets it be changed: the blocks of components, and `[initialize]`. What it leaves is a config
that `spacy train` takes, and that says all of it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confection import Config

from spacy_al.embeddings.encoder import EncoderSettings
from spacy_al.embeddings.ngrams import NGRAM_BUCKETS
from spacy_al.errors import AlError, Errors
from spacy_al.kinds import FACTORIES

LEARNERS = ("auto", "scratch", "vectors", "encoder")
# Of the layers that learn: smaller than spaCy's, since what they start from is better; docs/measured.md has the table
WIDTH, DEPTH = 64, 2
ATTRS, ROWS = ["NORM", "PREFIX", "SUFFIX", "SHAPE"], [1000, 500, 500, 500]
# Of the optimizer: what spaCy has, and what few labels want. Weights that are averaged over the steps differ less from training to
# training, and with them a greater learning rate gets as far in half of the steps
OPTIMIZER = {"learn_rate": (0.001, 0.003), "use_averages": (False, True)}
# Words a batch: at first, as spaCy has it, and all along
USUAL_WORDS, WORDS = 100, 300
FIELDS: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "layers": (list,),
    "window": (int,),
    "cache": (str,),
    "hash": (str,),
}


@dataclass(frozen=True)
class EncoderBlock:
    """The block `[al.encoder]`.

    name (str): Folder or package of the encoder, as in `EncoderSettings.name`.
    layers (tuple[int, ...] | None), window (int): As in `EncoderSettings`.
    cache (Path | None): Where all is kept that was encoded; by default `encodings` in the output of the run.
    hash (str | None): The hash that the encoder must have, as the config of a round says it; None for any.
    """

    name: str
    layers: tuple[int, ...] | None = None
    window: int = EncoderSettings.window
    cache: Path | None = None
    hash: str | None = None

    @property
    def settings(self) -> EncoderSettings:
        stride = max(1, self.window * 3 // 4)
        return EncoderSettings(self.name, self.layers, window=self.window, stride=stride)


@dataclass(frozen=True)
class Learner:
    """What a training learns with.

    name (str): "scratch", "vectors" or "encoder".
    encoder (EncoderBlock | None): Of the encoder.
    vectors (Path | None): Folder of the static vectors.
    """

    name: str
    encoder: EncoderBlock | None = None
    vectors: Path | None = None


def read_encoder(block: Any, refuse: Callable[[str, str, list[str]], Any]) -> EncoderBlock:
    """The block of a config. `refuse` is called with the name of a setting, what is wrong with it and what can be said."""
    if not isinstance(block, Mapping):
        refuse("al.encoder", f"it is {block!r}", ["a block [al.encoder] with a name"])
    for name, value in block.items():
        if name not in FIELDS:
            refuse(f"al.encoder.{name}", "there is no such setting", sorted(FIELDS))
        if value is not None and (isinstance(value, bool) or not isinstance(value, FIELDS[name])):
            refuse(f"al.encoder.{name}", f"it is {value!r}", [f"a {FIELDS[name][0].__name__}"])
    given = {name: value for name, value in block.items() if value is not None}
    if not given.get("name"):
        refuse("al.encoder.name", "it is missing", ["a folder or a package"])
    layers = given.get("layers")
    if layers is not None and not (layers and all(type(layer) is int for layer in layers)):
        refuse("al.encoder.layers", f"it is {layers!r}", ["a list of whole numbers"])
    if given.get("window", 1) < 1:
        refuse("al.encoder.window", f"it is {given['window']}", ["1 or more"])
    return EncoderBlock(
        name=given["name"],
        layers=None if layers is None else tuple(layers),
        window=given.get("window", EncoderSettings.window),
        cache=Path(given["cache"]) if "cache" in given else None,
        hash=given.get("hash"),
    )


def apply_learner(config: Config, learner: Learner, component: str) -> None:
    """Change a config, in place, so that a component learns with a learner; `scratch` leaves it as it is.

    config (Config): With its variables, and with the block of the component.
    component (str): The one that is taught.
    RAISES (AlError): AL310 where the component reads something that a learner cannot take the place of.
    """
    if learner.name == "scratch":
        return
    block = config["components"][component]
    if "source" in block:
        # it is what it was trained to be
        raise AlError(Errors.AL310.format(component=component, learner=learner.name))
    row = FACTORIES.get(block.get("factory"))
    if row and row.task == "categories":
        config["components"][component] = _classifier(block, learner)
        _drop_unread(config)
    else:
        _put_tok2vec(config, component, learner)
    _train_well(config)
    _batch_well(config)
    if learner.name == "vectors":
        config.setdefault("paths", {})["vectors"] = str(learner.vectors)
        config.setdefault("initialize", {})["vectors"] = "${paths.vectors}"


def _classifier(block: Mapping[str, Any], learner: Learner) -> dict[str, Any]:
    is_exclusive = FACTORIES[block["factory"]].is_exclusive
    kept = {name: block[name] for name in ("threshold", "scorer") if name in block}
    if learner.name == "vectors":
        model = {
            "@architectures": "spacy.TextCatParametricAttention.v1",
            "exclusive_classes": is_exclusive,
            "tok2vec": _embed_block(learner),
        }
        return {"factory": block["factory"], **kept, "model": model}
    assert learner.encoder is not None
    factory = "al_textcat" if is_exclusive else "al_textcat_multilabel"
    embedding = {"@al_embeddings": "spacy-al.pretrained.v1", **_named(learner.encoder)}
    model = {
        "@architectures": "spacy-al.linear_textcat.v1",
        "exclusive_classes": is_exclusive,
        "embedding": {**embedding, "tokens": False},
        "ngram_buckets": NGRAM_BUCKETS,
    }
    return {"factory": factory, **kept, "model": model}


def _put_tok2vec(config: Config, component: str, learner: Learner) -> None:
    """The learner's layers where the component's own are, or where those stand that it shares."""
    own = config["components"][component].get("model", {}).get("tok2vec")
    if own is None:
        raise AlError(Errors.AL310.format(component=component, learner=learner.name))
    name = own.get("@architectures", "")
    if not name.endswith("Tok2VecListener.v1"):
        if "Transformer" in name:
            raise AlError(Errors.AL310.format(component=component, learner=learner.name))
        config["components"][component]["model"]["tok2vec"] = tok2vec_block(learner)
        return
    factories = {other: block.get("factory") for other, block in config["components"].items()}
    wanted = own.get("upstream", "*")
    shared = next((n for n, f in factories.items() if f == "tok2vec" and wanted in ("*", n)), None)
    if shared is None:
        raise AlError(Errors.AL310.format(component=component, learner=learner.name))
    config["components"][shared] = {"factory": "tok2vec", "model": tok2vec_block(learner)}
    for other in _listeners(config["components"]):
        if other.get("upstream", "*") in ("*", shared):
            other["width"] = WIDTH


def tok2vec_block(learner: Learner) -> dict[str, Any]:
    """The layers that learn, over the vectors that do not."""
    return {
        "@architectures": "spacy.Tok2Vec.v2",
        "embed": _embed_block(learner),
        "encode": {
            "@architectures": "spacy.MaxoutWindowEncoder.v2",
            "width": WIDTH,
            "depth": DEPTH,
            "window_size": 1,
            "maxout_pieces": 3,
        },
    }


def _embed_block(learner: Learner) -> dict[str, Any]:
    """Vectors that do not learn beside hashed words that do, without their context."""
    hashed: dict[str, Any] = {"width": WIDTH, "attrs": [*ATTRS], "rows": [*ROWS]}
    if learner.name == "vectors":
        embed = {"@architectures": "spacy.MultiHashEmbed.v2", "include_static_vectors": True}
    else:
        assert learner.encoder is not None
        embed = {"@architectures": "spacy-al.encoder_embed.v1", **_named(learner.encoder)}
        embed["hash"] = learner.encoder.hash
    return {**embed, **hashed}


def _train_well(config: Config) -> None:
    """The optimizer as few labels want it, where it is as spaCy has it."""
    own = config.setdefault("training", {}).get("optimizer") or {"@optimizers": "Adam.v1"}
    if own.get("@optimizers") != "Adam.v1":
        return
    for name, (usual, better) in OPTIMIZER.items():
        if own.get(name, usual) == usual:
            own[name] = better
    config["training"]["optimizer"] = own


def _batch_well(config: Config) -> None:
    """Batches as few labels want them, where they grow as spaCy has it: so small at first that they hold a few sentences."""
    size = config["training"].get("batcher", {}).get("size")
    usual = {"@schedules": "compounding.v1", "start": USUAL_WORDS}
    if isinstance(size, dict) and usual.items() <= size.items():
        size |= {"start": WORDS, "stop": WORDS}


def _named(encoder: EncoderBlock) -> dict[str, Any]:
    layers = None if encoder.layers is None else [*encoder.layers]
    return {"encoder": encoder.name, "layers": layers, "window": encoder.window}


def _listeners(block: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(block, dict):
        return
    if str(block.get("@architectures", "")).endswith("Tok2VecListener.v1"):
        yield block
    for part in block.values():
        yield from _listeners(part)


def _drop_unread(config: Config) -> None:
    """Take away shared layers that nobody reads any more."""
    training = config.get("training", {})
    read = {listener.get("upstream", "*") for listener in _listeners(config["components"])}
    read |= {*training.get("annotating_components", ()), *training.get("frozen_components", ())}
    for name, block in [*config["components"].items()]:
        if block.get("factory") == "tok2vec" and not read & {"*", name}:
            del config["components"][name]
            config["nlp"]["pipeline"] = [n for n in config["nlp"]["pipeline"] if n != name]

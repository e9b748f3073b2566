"""An encoder from `transformers`, with a tokenizer that says which characters each piece stands for."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

from thinc.api import get_current_ops

from spacy_al.embeddings.encoder import MODEL_FILES, EncoderSettings, check_layers, hash_files
from spacy_al.embeddings.opening import explain_opening, need_packages
from spacy_al.embeddings.piece_encoder import PieceEncoder
from spacy_al.errors import AlError, Errors
from spacy_al.types import Floats, Ints


class TransformerEncoder(PieceEncoder):
    """A model of `transformers` and its tokenizer.

    model, tokenizer (Any): From `transformers`, the tokenizer a fast one.
    settings (EncoderSettings): How they are read.
    weights (str): A hash of the model's files.
    RAISES (AlError): AL302 for a slow tokenizer, AL087 for layers that the model does not have.
    """

    kind: ClassVar[str] = "transformer"
    revision: ClassVar[int] = 1

    def __init__(self, model: Any, tokenizer: Any, settings: EncoderSettings, weights: str) -> None:
        if not getattr(tokenizer, "is_fast", False):
            why = (
                "its tokenizer is a slow one, which does not say what characters a piece stands for"
            )
            raise AlError(Errors.AL302.format(name=settings.name, why=why))
        self.model = model
        super().__init__(
            settings,
            tokenizer.backend_tokenizer,
            width=int(model.config.hidden_size),
            layers=check_layers(settings.layers, int(model.config.num_hidden_layers)),
            limit=_most_pieces(model, tokenizer),
            padding=tokenizer.pad_token_id or 0,
            weights=weights,
            packages={name: version(name) for name in ("torch", "transformers", "tokenizers")},
        )

    def read(self, ids: Ints, mask: Ints) -> tuple[Floats, Floats]:
        """As `PieceEncoder.read`."""
        import torch

        device = self.model.device
        with torch.no_grad():
            states = self.model(
                input_ids=torch.from_numpy(ids).to(device),
                attention_mask=torch.from_numpy(mask).to(device),
                output_hidden_states=True,
                return_dict=True,
            ).hidden_states
            top = states[-1].float().cpu().numpy()
            chosen = sum(states[layer].float() for layer in self.layers) / len(self.layers)
            return top, chosen.cpu().numpy()


def open_transformer(folder: Path, settings: EncoderSettings) -> TransformerEncoder:
    """The model in a folder that `save_pretrained` made. RAISES (AlError): AL301, AL302, AL087."""
    need_packages(settings.name, "torch", "transformers")
    with hushed(), explain_opening(settings.name):
        import transformers

        # it has few types
        auto: Any = transformers
        how = {"local_files_only": True, "trust_remote_code": False}
        tokenizer = auto.AutoTokenizer.from_pretrained(str(folder), use_fast=True, **how)
        model, loaded = auto.AutoModel.from_pretrained(
            str(folder), use_safetensors=True, output_loading_info=True, **how
        )
        # the pooling layer on top of BERT is not used; anything else that is missing would be made up
        if missing := [key for key in loaded["missing_keys"] if "pooler" not in key]:
            raise ValueError(f"its weights lack {', '.join(sorted(missing)[:3])}")
        if model.config.is_encoder_decoder:
            model = model.get_encoder()
        model = model.float().eval().to(_device())
    weights = hash_files(path for pattern in MODEL_FILES for path in folder.glob(pattern))
    return TransformerEncoder(model, tokenizer, settings, weights)


def _device() -> str:
    """Where thinc computes. Its own `get_torch_default_device` refuses in a training that keeps torch from thinc."""
    import torch

    name: str = get_current_ops().name
    return (
        f"cuda:{torch.cuda.current_device()}"
        if name == "cupy"
        else name
        if name == "mps"
        else "cpu"
    )


@contextmanager
def hushed() -> Iterator[None]:
    """Without what `transformers` logs below an error, such as weights that nobody uses."""
    import transformers

    logging: Any = transformers.utils.logging
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _most_pieces(model: Any, tokenizer: Any) -> int:
    """How many pieces the model has positions for, special ones with them."""
    limits = [int(tokenizer.model_max_length)]
    limits += [getattr(model.config, "max_position_embeddings", None) or limits[0]]
    for name, layer in model.named_modules():
        if name.endswith("position_embeddings") and hasattr(layer, "num_embeddings"):
            # RoBERTa's positions begin after that of padding
            used = 0 if layer.padding_idx is None else layer.padding_idx + 1
            limits.append(layer.num_embeddings - used)
    return min(limits)

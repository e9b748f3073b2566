"""`spacy-al encode`: what a pretrained encoder says of a pool, kept so that nothing is encoded twice."""

from pathlib import Path
from typing import Annotated

from typer import Option

from spacy_al.cli.app import app, explained, say
from spacy_al.cli.options import (
    Code,
    EncodedPool,
    Encoder,
    Encoders,
    Engine,
    EngineName,
    Gpu,
    KeepTokens,
    Lang,
    Layers,
    OwnTokeniser,
    Quiet,
    Stride,
    Tokeniser,
    Window,
    Workers,
    check_processes,
)
from spacy_al.config.settings import read_tokeniser
from spacy_al.distributed.engines import open_encoding_engine
from spacy_al.embeddings.encode_pool import EncodingPlan, encode_pool, format_size
from spacy_al.embeddings.encoder import EncoderSettings, make_settings
from spacy_al.posteriors.component import load_code, load_pipeline
from spacy_al.reporting.words import plural

OUTPUT = "Folder of the cache; several encoders can share it"
POOLING = "A text's vector: mean of its pieces, or cls, the first"
TEXTS_ONLY = (
    "Keep no vectors of tokens: a twentieth of the size, enough for categories and diversity"
)


@app.command("encode")
@explained
def encode_cli(
    pool: EncodedPool,
    encoder: Encoder,
    output: Annotated[Path, Option("--output", "-o", help=OUTPUT)],
    model: Tokeniser = None,
    lang: Lang = "en",
    config: OwnTokeniser = None,
    keep_tokens: KeepTokens = False,
    layers: Layers = None,
    pooling: Annotated[str, Option("--pooling", help=POOLING)] = EncoderSettings.pooling,
    window: Window = EncoderSettings.window,
    stride: Stride = None,
    texts_only: Annotated[bool, Option("--texts-only", help=TEXTS_ONLY)] = False,
    n_process: Encoders = 1,
    engine: Engine = EngineName.local,
    workers: Workers = None,
    code: Code = None,
    gpu_id: Gpu = -1,
    quiet: Quiet = False,
) -> None:
    """Encode a pool with a pretrained encoder, and keep what it says of each text and each token.

    How much there is to do and how much space it takes is said before. If it is cut off, the same command goes on from there;
    a pool that has grown needs only what is new.
    """
    settings = make_settings(encoder, layers, window, stride, pooling)
    check_processes(n_process, gpu_id)
    load_code(code)
    tokeniser, own_code = read_tokeniser(config), str(code) if code else None
    elsewhere = open_encoding_engine(engine.value, workers, model, lang, tokeniser, own_code)
    plan = encode_pool(
        pool,
        load_pipeline(model, lang, gpu_id, tokeniser),
        settings,
        output,
        tokens=not texts_only,
        keep_tokens=keep_tokens,
        n_process=n_process,
        engine=elsewhere,
        tell=None if quiet else lambda plan: say(format_plan(plan, texts_only)),
    )
    if not quiet:
        done = (
            f"{plural(plan.new_texts, 'text')} encoded"
            if plan.new_texts
            else "Nothing was left to encode"
        )
        say(f"✔ {done}, in {plan.folder}")


def format_plan(plan: EncodingPlan, texts_only: bool) -> str:
    """What there is, what is to be done, and what it takes."""
    kept = "texts" if texts_only else "texts and tokens"
    lines = [
        f"ℹ {plan.texts:,} texts with {plan.tokens:,} tokens; not in the cache yet: {plan.new_texts:,} with {plan.new_tokens:,}",
        f"ℹ Vectors of {kept} for these take {format_size(plan.size)}; {format_size(plan.free)} are free",
    ]
    skipped = ", ".join(f"{count} {why}" for why, count in sorted(plan.skipped.items()) if count)
    lines += [f"⚠ Left out: {skipped}"] if skipped else []
    for folder, name, size in plan.others:
        where = plan.folder.with_name(folder)
        lines.append(f"ℹ {where} holds {format_size(size)} of '{name}', which is not touched")
    return "\n".join(lines)

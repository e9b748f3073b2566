"""`spacy-al distill`: static vectors of the words of a pool, from a pretrained encoder, for any spaCy config."""

from pathlib import Path
from typing import Annotated

from typer import Option

from spacy_al.cli.app import app, explained, say
from spacy_al.cli.encode import format_plan
from spacy_al.cli.options import (
    Code,
    EncodedPool,
    Encoder,
    Encoders,
    Gpu,
    KeepTokens,
    Lang,
    Layers,
    OwnTokeniser,
    Quiet,
    Stride,
    Tokeniser,
    Window,
    check_processes,
)
from spacy_al.config.settings import read_tokeniser
from spacy_al.embeddings.distill import DIM, MAX_WORDS, ROWS, Distilled, distill
from spacy_al.embeddings.encoder import EncoderSettings, make_settings
from spacy_al.posteriors.component import load_code, load_pipeline

OUTPUT = "Folder of the vectors, to be named as paths.vectors"
CACHE = "Folder of encodings, as `encode` fills it; what is missing is added"
WORDS_OF = ".spacy file or folder whose words are encoded alone where the pool lacks them; may be given several times"


@app.command("distill")
@explained
def distill_cli(
    pool: EncodedPool,
    encoder: Encoder,
    output: Annotated[Path, Option("--output", "-o", help=OUTPUT)],
    cache: Annotated[Path, Option("--cache", help=CACHE)] = Path("training/encodings"),
    words_of: Annotated[list[Path] | None, Option("--words-of", help=WORDS_OF)] = None,
    dim: Annotated[int, Option("--dim", help="Numbers a vector")] = DIM,
    rows: Annotated[int, Option("--rows", help="Rows of the table of parts of words")] = ROWS,
    max_words: Annotated[
        int, Option("--max-words", help="Most words that are looked at, the most frequent ones")
    ] = MAX_WORDS,
    model: Tokeniser = None,
    lang: Lang = "en",
    config: OwnTokeniser = None,
    keep_tokens: KeepTokens = False,
    layers: Layers = None,
    window: Window = EncoderSettings.window,
    stride: Stride = None,
    n_process: Encoders = 1,
    code: Code = None,
    gpu_id: Gpu = -1,
    quiet: Quiet = False,
) -> None:
    """Make static vectors of words: for each of a pool the mean of what a pretrained encoder says where it stands, and for parts of words
    what fits these best, so that other words have vectors as well.

    The folder can be named as paths.vectors in any spaCy config with include_static_vectors. Training and using the pipeline
    need neither torch nor spacy-al. Vectors that are there and were made of the same are left as they are.
    """
    settings = make_settings(encoder, layers, window, stride)
    check_processes(n_process, gpu_id)
    load_code(code)
    done = distill(
        pool,
        load_pipeline(model, lang, gpu_id, read_tokeniser(config)),
        settings,
        output,
        cache=cache,
        words_of=words_of or (),
        dim=dim,
        rows=rows,
        max_words=max_words,
        keep_tokens=keep_tokens,
        n_process=n_process,
        tell=None if quiet else lambda found: say(format_todo(found)),
    )
    if not quiet:
        say(format_done(done))


def format_todo(found: Distilled) -> str:
    """What is to be encoded, and what becomes of vectors that are there."""
    if found.reused:
        return f"ℹ {found.folder} was made of the same pool, encoder and settings"
    lines = [format_plan(found.plan, texts_only=False)]
    if found.changed:
        names = ", ".join(name.replace("_", " ") for name in found.changed)
        lines.append(f"ℹ {found.folder} was made of others ({names}), and is made again")
    return "\n".join(lines)


def format_done(done: Distilled) -> str:
    """What there is now."""
    about, made = done.about, "is left as it is" if done.reused else "is made"
    alone = f" and {about['words_alone']:,} encoded alone" if about["words_alone"] else ""
    return (
        f"✔ {done.folder} {made}: vectors of {about['width']} numbers, out of {about['words']:,} words of the pool{alone}. "
        f"Use it with --paths.vectors {done.folder}"
    )

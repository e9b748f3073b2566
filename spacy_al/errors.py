"""Every error that a user can meet: what happened, what was found, what to do."""


class AlError(ValueError):
    """A failure that is explained in one message; the commands print it and exit with `exit_code`."""

    exit_code = 1


class UsageError(AlError):
    """The call itself is wrong: an unknown option, a setting of the wrong kind."""

    exit_code = 2


class AlWarning(UserWarning):
    """Something was left out or done differently, and the result is still usable."""


class Errors:
    """Templates, filled with `.format(...)` where they are raised. A code is never used twice."""

    # posteriors
    AL001 = (
        "[AL001] No component '{name}' in this pipeline. It has: {names}. "
        "Name one of those as the component."
    )
    AL002 = (
        "[AL002] spacy-al cannot read a posterior from '{name}' (factory '{factory}'). "
        "It reads: {known}. A reader for other components can be registered in `al_posteriors`."
    )
    AL003 = (
        "[AL003] Which component's posterior is meant? This pipeline has {found} that have one"
        "{names}. Name it with --component, or `component` in the config."
    )
    AL004 = (
        "[AL004] A document of {length} tokens reached '{name}' without encoder output (doc.tensor is "
        "empty), so it would be scored from zeros. Run the shared '{upstream}' over the document first."
    )
    AL005 = (
        "[AL005] The model of '{name}' returned values that are not finite (NaN or infinite) for the document "
        "that starts '{text}'. Its weights are probably damaged: train it again."
    )
    AL006 = (
        "[AL006] These answers have probability zero under '{name}': {why}. "
        "Check the answer; the model cannot produce it."
    )
    AL007 = "[AL007] '{name}' has no labels yet. Train it, or initialize it, before reading a posterior."
    AL008 = (
        "[AL008] '{name}' stands after '{retokenizer}', which merges or splits tokens, so the document is no "
        "longer what '{component}' read. Put '{name}' before '{retokenizer}'."
    )
    AL009 = "[AL009] No span {start}..{end} in a document of {length} tokens. Starts are inclusive, ends exclusive."
    AL010 = "[AL010] '{value}' is not a temperature. Give a finite number above 0 (1.0 leaves a model as it is)."
    AL011 = (
        "[AL011] This pipeline was not loaded from a directory, so there is nowhere to keep its temperature. "
        "Save it with nlp.to_disk, load it from there, and calibrate that."
    )


class Warnings:
    """Templates for warnings, raised once a call and never once a document."""

    W001 = (
        "[ALW001] {count} preset entities carry labels that '{name}' does not have ({labels}), or an inside "
        "tag without a beginning. They were left out: reading a posterior never changes a model."
    )
    W002 = (
        "[ALW002] '{name}' uses one maxout piece. spaCy applies a ReLU to it in training and in beam search but "
        "not in its greedy parse; the posterior follows the greedy parse."
    )

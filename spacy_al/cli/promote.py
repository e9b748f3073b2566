"""`spacy-al promote` and `rollback`: which model is in use."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from typer import Option
from wasabi import table

from spacy_al.cli.app import app, explained, only_overrides, printable, say
from spacy_al.cli.options import WITH_OVERRIDES, Code, Config
from spacy_al.deployment.gate import Judgement, Rule
from spacy_al.deployment.promote import Promotion, promote, rollback
from spacy_al.loop.begun import open_run
from spacy_al.measures.paired import Difference
from spacy_al.store.champion import Champion
from spacy_al.tracking.follow import tracked_project

# Of a candidate that is refused
REFUSED = 4
CANDIDATE = "Folder of the model (default: that of the last round that has trained)"
GOLD = "Held-out texts that no model has learned from (default: the development set, on which the steps of both trainings were chosen)"
MARGIN = "By how much its F has to be above that of the model in use"
LABEL_LOSS = "How much F each label may lose"
CALIBRATION_LOSS = "How much the calibration error may rise"
LEVEL = "How sure one wants to be"
DEPLOY = "Command that puts the model where it is used, {model} being its folder; without a shell"
DRY_RUN = "Compare, and change nothing"
JSON = "Print JSON on standard output"
DEFAULT = Rule()

Deploy = Annotated[str | None, Option("--deploy", help=DEPLOY)]


@app.command("promote", context_settings=WITH_OVERRIDES)
@explained
def promote_cli(
    ctx: typer.Context,
    config: Config,
    candidate: Annotated[Path | None, Option("--candidate", help=CANDIDATE)] = None,
    gold: Annotated[Path | None, Option("--gold", help=GOLD)] = None,
    margin: Annotated[float, Option("--margin", help=MARGIN)] = DEFAULT.margin,
    label_loss: Annotated[float, Option("--label-loss", help=LABEL_LOSS)] = DEFAULT.label_loss,
    calibration_loss: Annotated[
        float, Option("--calibration-loss", help=CALIBRATION_LOSS)
    ] = DEFAULT.calibration_loss,
    level: Annotated[float, Option("--level", min=0.5, max=0.999, help=LEVEL)] = DEFAULT.level,
    deploy: Deploy = None,
    code: Code = None,
    dry_run: Annotated[bool, Option("--dry-run", help=DRY_RUN)] = False,
    as_json: Annotated[bool, Option("--json", help=JSON)] = False,
) -> None:
    """Put the newest model into use if it is better than the one in use: as a whole, worse nowhere by more than is allowed.

    Both are measured on the same texts, by a paired bootstrap over texts. `select` and recipes take the model in use from then on. A refused
    candidate is exit status 4.
    """
    overrides = only_overrides(ctx.args, config)
    project = open_run(config, overrides, code=code, show=say)
    rule = Rule(margin, label_loss, calibration_loss, level)
    with tracked_project(project) as project:
        found = promote(project, candidate, gold, rule=rule, deploy=deploy, dry_run=dry_run)
    typer.echo(json.dumps(asdict(found), indent=2)) if as_json else say(format_promotion(found))
    if found.verdict is not None and not found.verdict.is_better:
        raise typer.Exit(REFUSED)


@app.command("rollback", context_settings=WITH_OVERRIDES)
@explained
def rollback_cli(
    ctx: typer.Context, config: Config, deploy: Deploy = None, code: Code = None
) -> None:
    """Put the model back into use that was in use before the last `promote`."""
    overrides = only_overrides(ctx.args, config)
    with tracked_project(open_run(config, overrides, code=code, show=say)) as project:
        found = rollback(project, deploy=deploy)
    if found is None:
        say(
            "⚠ The model that was in use is taken out of use, and none was before it: the next `promote` has nothing to compare with."
        )
    else:
        say(format_champion(found))


def format_promotion(found: Promotion) -> str:
    """The comparison as a table, what it is worth, and which model is in use."""
    lines = []
    if found.verdict is not None:
        lines += [
            _table(found.verdict),
            f"ℹ Compared on {found.verdict.texts:,} texts: {printable(str(found.gold))}",
        ]
        if found.verdict.few:
            few = ", ".join(map(printable, found.verdict.few))
            lines.append(f"ℹ Too rare in them to be compared: {few}")
        if found.n_compared > 1:
            lines.append(
                f"ℹ {found.n_compared} candidates were compared so far. Of equal ones about one in twenty passes by luck: give fresh texts now and then."
            )
        lines += [f"⚠ {printable(reason)}." for reason in found.verdict.reasons]
        lines += [""] if found.verdict.reasons else []
    lines.append(_end(found))
    return "\n".join(line for line in lines if line)


def _end(found: Promotion) -> str:
    """What has become of the candidate, in a line."""
    candidate, verdict = printable(found.candidate), found.verdict
    if verdict is not None and not verdict.is_better:
        used = printable(found.champion.model) if found.champion else ""
        return f"✘ Refused: {candidate}. The model in use stays {used}."
    if found.is_dry:
        return f"ℹ {candidate} would be promoted. Nothing was changed."
    if found.is_same:
        return f"ℹ {candidate} is the model in use already."
    first = " It is the first one, and was compared with nothing." if verdict is None else ""
    return f"✔ Promoted: {candidate} is the model in use now.{first}"


def format_champion(found: Champion | None) -> str:
    """Which model is in use, in a line."""
    if found is None:
        return "ℹ No model is in use."
    day = datetime.fromtimestamp(found.at).astimezone().strftime("%Y-%m-%d %H:%M")
    return f"✔ In use since {day}: {printable(found.model)}. {printable(found.why)}."


def _table(found: Judgement) -> str:
    rows = [("all", found.score), *found.labels.items(), ("calibration error", found.calibration)]
    lines = [_row(printable(name), one) for name, one in rows if one is not None]
    header = ("F", "in use", "candidate", "difference", "at least", "at most")
    return str(table(lines, header=header, divider=True, aligns=("l", "r", "r", "r", "r", "r")))


def _row(name: str, one: Difference) -> tuple[str, ...]:
    signed = (f"{value:+.3f}" for value in (one.gain, one.low, one.high))
    return (name, f"{one.old:.3f}", f"{one.new:.3f}", *signed)

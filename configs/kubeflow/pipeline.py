"""A night of a run as a pipeline of Kubeflow: the commands of `configs/nightly/nightly.sh`, a step each, in a folder that they share.

    python configs/kubeflow/pipeline.py my.cfg -o night.yaml --captured captured --gold heldout.spacy

writes the pipeline of a config. `--local` runs it on this machine instead, without a cluster. Edit it: a step is a line in `night_of`.
"""

import argparse
import os
from pathlib import Path

from kfp import compiler, dsl, local

from spacy_al.config.settings import read_settings

# With spacy-al[kfp] in it, and what the config needs
IMAGE = os.environ.get("IMAGE", "registry.example.org/spacy-al:latest")


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def step(words: list, folder: str, passes: list, needs: list) -> int:
    """Run one command of spacy-al in the folder of the project.

    words (list): What comes after `python -m spacy_al`.
    folder (str): Where the config, the pool and the run are.
    passes (list): Exit statuses beside 0 that are no failures: 3 waits for a person, 4 is an alarm.
    needs (list): Paths, and "model" for one that a round has trained: without them the step is passed over.
    RETURNS (int): The exit status.
    """
    import json
    import os
    import subprocess
    import sys

    command = [sys.executable, "-m", "spacy_al"]
    for path in needs:
        if path != "model" and not os.path.exists(os.path.join(folder, path)):
            print(f"There is no {path}: passed over")
            return 0
    if "model" in needs:
        status = [*command, "status", words[1], "--json"]
        found = subprocess.run(status, cwd=folder, stdout=subprocess.PIPE, check=True)
        if not json.loads(found.stdout).get("best"):
            print("There is no model yet: passed over")
            return 0
    code = subprocess.run([*command, *words], cwd=folder).returncode
    if code and code not in passes:
        raise SystemExit(code)
    return code


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def alarm(checked: int, promoted: int) -> str:
    """Fail the pipeline, after all else is done, where recent texts differ or the candidate was refused."""
    said = []
    if checked == 4:
        said.append("recent texts differ")
    if promoted == 4:
        said.append("the candidate was refused")
    if said:
        raise SystemExit("Alarm: " + ", and ".join(said))
    return "all is well"


def night_of(config, folder, captured=None, gold=None, claim=None):
    """The pipeline of a config.

    config (Path): With an [al] section; its pool gets what was captured.
    folder (str): Where it is run, on a volume that all steps mount.
    captured (str | None): What a deployed pipeline kept, if anything.
    gold (str | None): Held-out texts for `promote`; by default the run's development set.
    claim (str | None): The PersistentVolumeClaim that is mounted there.
    RETURNS: What kfp compiles, or runs when it is called.
    """
    pool = str(read_settings(config).pool)
    name = str(config)

    @dsl.pipeline(name=f"spacy-al-{config.stem}".replace("_", "-").lower())
    def night():
        tasks = []

        def add(title, *words, passes=(), needs=()):
            task = step(words=[*words], folder=folder, passes=[*passes], needs=[*needs])
            task.set_display_name(title)
            # what it does is on the volume, and not in what it returns
            task.set_caching_options(False)
            if tasks:
                task.after(tasks[-1])
            tasks.append(task)
            return task

        if captured:
            add("tonight", "ingest", captured, f"{pool}.tonight", "--force", needs=[captured])
            add("ingest", "ingest", captured, pool, "--add", needs=[captured])
        add("run", "run", name, "--once", passes=[3])
        if captured:
            recent = f"{pool}.tonight"
            words = ("status", name, "--check", "--recent", recent)
            checked = add("check", *words, passes=[4], needs=["model", recent])
        held_out = ["--gold", gold] if gold else []
        promoted = add("promote", "promote", name, *held_out, passes=[4], needs=["model"])
        end = alarm(checked=checked.output if captured else 0, promoted=promoted.output)
        end.set_display_name("alarm").set_caching_options(False)
        if claim:
            from kfp import kubernetes

            for task in [*tasks]:
                kubernetes.mount_pvc(task, pvc_name=claim, mount_path=folder)

    return night


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("-o", "--output", default="night.yaml", help="The pipeline (.yaml)")
    parser.add_argument("--folder", default="/project", help="Of the project, in each step")
    parser.add_argument("--captured", help="What a deployed pipeline kept")
    parser.add_argument("--gold", help="Held-out texts for promote")
    parser.add_argument("--claim", help="PersistentVolumeClaim to mount at the folder")
    parser.add_argument("--local", action="store_true", help="Run it here, and write nothing")
    given = parser.parse_args()
    if given.local:
        local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root="training/kubeflow")
        night_of(given.config, str(Path.cwd()), given.captured, given.gold)()
    else:
        night = night_of(given.config, given.folder, given.captured, given.gold, given.claim)
        compiler.Compiler().compile(night, given.output)
        print(f"✔ {given.output}")


if __name__ == "__main__":
    main()

"""What all rules share. Reading the rules writes nothing, so a dry run does not either: settings
that commands read are written when a run starts, and jobs have their content as a parameter.
"""

import re

from ttvos.core.code_hash import code_hash
from ttvos.plan.jobs import DeletedResults, Jobs
from ttvos.plan.manifest import make_manifest, result_files, write_if_changed
from ttvos.tracking.registry import tracker_code

RESULTS = settings.results
ENVIRONMENT = str(CHECKOUT / "environment.yml")
NEEDS_GPU = int(settings.device == "cuda")
MANIFEST, CONTENT = f"{RESULTS}/manifest.json", make_manifest(plan)
RESULT_FILES = result_files(plan)
jobs = Jobs(plan)
deleted = DeletedResults(plan, workflow.is_main_process)
written_at_start = {MANIFEST: CONTENT}
# The report says how long the run took; a cluster's jobs inherit what the front command set.
os.environ.setdefault("TTVOS_RUN_STARTED", str(time.time()))
# The commands run from this checkout, whatever version may be installed beside it.
shell.prefix(f"export PYTHONPATH={shlex.quote(str(CHECKOUT))}; ")
if workflow.modifier.is_main_snakefile():
    tell_end = show_progress(
        workflow,
        log=f"{RESULTS}/snakemake.log",
        page="reports/index.html",
        times=f"{RESULTS}/job_times.json",
        kept_times=f"{CHECKOUT}/results-published/performance/run-{settings.run}.json",
    )


def any_of(names):
    """A pattern that matches these names only."""
    return "|".join(map(re.escape, names)) or "none"


def settings_file(name, *keys):
    """The path of a JSON file with these parts of the settings, which a command reads."""
    path = f"{RESULTS}/settings/{name}.json"
    written_at_start[path] = jobs.section(*keys)
    return path


def memory(megabytes):
    """What a job asks a scheduler for, in MB; the second attempt twice that, later ones thrice.

    Nothing is held to it on one machine. runtime, in minutes, is for schedulers too.
    """
    return lambda wildcards, attempt: megabytes * min(attempt, 3)


def of_checkout(path):
    """A file of this repository, from the folder in which the workflow runs."""
    return path if Path.cwd() == CHECKOUT else str(CHECKOUT / path)


onstart:
    if workflow.is_main_process:  # not each job's process on a cluster
        for path, content in written_at_start.items():
            write_if_changed(path, content)


onsuccess:
    tell_end(True)


onerror:
    tell_end(False)


wildcard_constraints:
    dataset=any_of(settings.datasets),
    reference="still|flow",
    run=any_of(training.name for training in plan.trainings_of("ttvos")),
    frtm_run=any_of(training.name for training in plan.trainings_of("frtm")),
    tracked=any_of(plan.tracked),
    tracker=any_of(plan.trackers),
    own=any_of(row.name for row in plan.rows_of("own")),
    row=any_of(row.name for row in plan.rows),
    method=any_of(plan.published),
    player=any_of(plan.live_players),
    year="2016|2017",

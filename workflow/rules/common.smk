"""What the rules ask of the plan: settings files, inputs, and options of the commands.

Reading the rules writes nothing, so a dry run does not either: what commands read is written when
a run starts (`onstart`), and a job that depends on it has its content as a parameter.
"""

import os
import re
import shlex
from glob import escape, glob

from ttvos.core.files import deleted_files
from ttvos.plan.plan import write_if_changed
from ttvos.tracking.registry import tracker_code

ENVIRONMENT = f"{workflow.basedir}/environment.yml"
NEEDS_GPU = int(settings.device == "cuda")
PROCESSES = settings.train.processes if settings.train else 1  # of each training
WORKERS = settings.train.workers if settings.train else 0  # of each such process
TORCHRUN = "python -m torch.distributed.run --standalone --nproc-per-node"
LAUNCH = "python" if PROCESSES == 1 else f"{TORCHRUN} {PROCESSES}"
SETTINGS = {}  # path -> content of the files that are written when a run starts
NOTES = {}  # name -> the note of deleted files that this run has for it


onstart:
    if workflow.is_main_process:  # not each job's process on a cluster
        for path, content in SETTINGS.items():
            write_if_changed(path, content)


def written_at_start(path, content):
    """The path of a JSON file with this content, which is there before the first job runs."""
    SETTINGS[path] = content
    return path


def section(*keys):
    """The part of the profile that one command reads.

    A command depends on its own part only, so a change elsewhere in the profile leaves it alone.
    """
    kept = {key: as_plain(settings)[key] for key in ("profile", "results", *keys)}
    rest = {"title": "", "caution": "", "rows": [], "datasets": {}}
    return {**rest, **kept}


def memory(megabytes):
    """What a job asks a scheduler for, in MB; the second attempt twice that, later ones thrice.

    Nothing is held to it on one machine. runtime, in minutes, is for schedulers too.
    """
    return lambda wildcards, attempt: megabytes * min(attempt, 3)


def data_of(roots):
    """What brings those folders: the built-in clips, records of published data."""
    made = f"{RESULTS}/data"
    clips = [made] if any(root.startswith(made) for root in roots) else []
    return clips + fetched(roots)


def fetched(paths):
    """The records of those paths that are published data."""
    return [plan.fetched(FETCHED[path]) for path in paths if path in FETCHED]


def dataset_data(wildcards):
    return data_of([settings.datasets[wildcards.dataset].root])


def training_data(wildcards):
    return data_of(settings.train.all_roots())


def initial_weights(wildcards):
    """The file a run's backbone starts from, where it is one; its record where it is fetched."""
    source = settings.train.initial.get(plan.runs[wildcards.run].row.backbone)
    return fetched([source]) or ([source] if source not in (None, "imagenet") else [])


def initial_frtm(wildcards):
    """Likewise, for a run of FRTM-VOS."""
    source = settings.frtm.initial.get(plan.runs[wildcards.frtm_run].row.backbone)
    return fetched([source]) or ([source] if source not in (None, "imagenet") else [])


def dataset_options(wildcards):
    """--dataset, --year and --split of a dataset, and the profile's name for the record."""
    dataset = settings.datasets[wildcards.dataset]
    words = [
        "--dataset",
        dataset.root,
        "--year",
        dataset.year,
        "--split",
        dataset.split,
    ]
    if dataset.only:
        words += ["--only", *dataset.only]
    return shlex.join(map(str, [*words, "--profile", settings.profile]))


def weights_option(wildcards):
    """--weights of who tracks with some: wildcards.tracked."""
    weights = plan.tracked[wildcards.tracked][1]
    return shlex.join(["--weights", weights]) if weights else ""


def any_of(names):
    """A pattern that matches these names only."""
    return "|".join(map(re.escape, names)) or "none"


def row_options(wildcards):
    """--variant and --backbone of a row or a run."""
    row = find_row(wildcards)
    return f"--variant {row.variant.name} --backbone {row.backbone}"


def row_parts(wildcards):
    """What the row's variant is made of, so that a change in variants.tsv is seen."""
    return as_plain(find_row(wildcards).variant)


def find_row(wildcards):
    if hasattr(wildcards, "run"):
        return plan.runs[wildcards.run].row
    return {row.name: row for row in plan.rows}[wildcards.row]


def note(name, gone):
    """The note that files of a finished result were found deleted, for the so many-th time.

    Snakemake makes a deleted file again only if a job needs it, and sees nothing inside a folder;
    a new note among its inputs makes the job run to which the files belong. None at first.
    """
    if name not in NOTES:  # once in a run, which makes the note and then the files
        earlier = glob(escape(f"{RESULTS}/notes/{name}.") + "[0-9]*")
        count = max((int(path.rpartition(".")[2]) for path in earlier), default=0)
        count += bool(gone) and workflow.is_main_process
        NOTES[name] = f"{RESULTS}/notes/{name}.{count}" if count else []
    return NOTES[name]


def whole_clips():
    return note("mini_clips", deleted_files(f"{RESULTS}/data"))


def whole_data(wildcards):
    """The note of published data that has gone: wildcards.source."""
    return note_of_data(
        f"fetch-{wildcards.source}",
        PLACES[wildcards.source],
        plan.fetched(wildcards.source),
    )


def whole_published(wildcards):
    """The note of a method's masks that have gone."""
    which = wildcards.method, int(wildcards.year)
    name = "masks-{}-{}".format(*which)
    return note_of_data(
        name, plan.published.folder(*which), plan.published.fetched(*which)
    )


def note_of_data(name, path, record):
    """The note of published data at a path that has gone although its record is there."""
    is_gone = os.path.exists(record) and not os.path.exists(path)
    return note(name, [path] if is_gone else [])


def whole_masks(wildcards):
    """The note of a folder of masks: wildcards.run, .reference or .tracked, and .dataset."""
    who = next(
        wildcards[key]
        for key in ("run", "reference", "tracked")
        if key in wildcards.keys()
    )
    folder = plan.predictions(who, wildcards.dataset)
    return note(f"predict-{who}-{wildcards.dataset}", deleted_files(folder))


def whole_report():
    """The note of the report: its own files, and results that nothing else would ask for."""
    if not os.path.exists("reports"):
        return note("reports", [])
    results = [path for path in plan.result_files() if not os.path.exists(path)]
    return note("reports", results + deleted_files("reports"))

# snakemake --cores all reports/            the built-in clips (workflow/config/mini.yaml)
# snakemake --cores all reports/ --configfile FILE     another profile of workflow/config/
import os
import shlex
import sys
import time

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

sys.path.insert(0, workflow.basedir)
from ttvos.config.run import as_plain, parse_config
from ttvos.core.errors import UserError
from ttvos.core.code_hash import code_hash
from ttvos.plan.plan import Plan
from ttvos.plan.given import check_given

min_version("9.27")
# The report says how long the run took; a cluster's jobs inherit what the front command set.
os.environ.setdefault("TTVOS_RUN_STARTED", str(time.time()))
# The commands run from this checkout, whatever version may be installed beside it.
shell.prefix(f"export PYTHONPATH={shlex.quote(str(workflow.basedir))}; ")

# Not "configfile:" alone, which would mix this profile's keys into one given by --configfile.
if "profile" not in config:

    configfile: "workflow/config/mini.yaml"


try:
    settings = parse_config(config)
    plan = Plan(settings)
    if workflow.is_main_process:
        check_given(plan)
except UserError as error:
    raise WorkflowError(str(error))
RESULTS = settings.results


include: "workflow/rules/common.smk"
include: "workflow/rules/notes.smk"
include: "workflow/rules/fetch.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/predict.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/masks.smk"
include: "workflow/rules/measure.smk"
include: "workflow/rules/render.smk"


rule all:
    default_target: True
    input:
        "reports",

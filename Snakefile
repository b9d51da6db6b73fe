# The workflow lies in workflow/: snakemake --cores all reports/
include: "workflow/Snakefile"

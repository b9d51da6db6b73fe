"""Notes that files of finished results were found deleted (`note` in common.smk names them)."""


rule note:
    output:
        touch(f"{RESULTS}/notes/{{noted}}.{{number}}"),
    wildcard_constraints:
        number=r"\d+",
    localrule: True

"""Which item of the ledger explains that a number of the paper's differs from the measured one."""

from functools import cache

from ttvos.render.paper import read_paper

NUMBERS = "numbers"  # the ledger's column: "TTVOS HRNet, 10.6 (HEADING)", several apart by ";"


@cache
def explained() -> dict[str, str]:
    """The item's id by each number that it explains."""
    return {
        about.strip(): line["id"]
        for line in read_paper("ledger")
        for about in line[NUMBERS].split(";")
        if about.strip()
    }


def explained_by(about: str) -> str | None:
    """The ledger's item on a number, written as a verdict's cell names it; None for none."""
    return explained().get(about)

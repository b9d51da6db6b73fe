"""What import-linter (make lint) cannot say: private names of torch and timm stay in the engine."""

import re

from ttvos.core.provenance import PACKAGE

PRIVATE = re.compile(
    r"\b(?:torch(?!\.ops)|timm)(?:\.\w+)*\._(?!_)\w+"
    r"|from (?:torch|timm)[\w.]* import _\w+"
)


def test_private_names_of_libraries_are_the_engines_alone():
    """They may change with any version: one folder to look at then."""
    found = {
        f"{path.relative_to(PACKAGE)}: {name}"
        for path in PACKAGE.rglob("*.py")
        for name in PRIVATE.findall(path.read_text())
        if path.relative_to(PACKAGE).parts[0] != "engine"
    }
    assert found == set()

"""One explored run for all tests of this folder."""

from pathlib import Path

import pytest

from tests.unit.report.explorer.explored_run import write_explored_run


@pytest.fixture(scope="session")
def explored_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Manifest of `write_explored_run`; not to be changed."""
    return write_explored_run(tmp_path_factory.mktemp("explored"))

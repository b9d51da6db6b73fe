"""Where a number comes from: recorded in every result file, shown beside every number.

What is published of it names no folder of a machine (`public`).
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path, PurePath
from typing import Any

from ttvos.core.folders import PACKAGE, REPOSITORY
from ttvos.core.process import available_cpus

PROJECT = "ttvos"  # its name in pyproject.toml
CHANGES = "+changes"  # after a commit: the tracked files were not as it has them
# Results and tables that commands write, one after another; no number hangs on them. (The costs
# kept among them are taken over with the provenance of their own.)
WRITTEN = ("results-published", "docs")
GIT_PLACES = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"}
SOURCE_SUFFIXES = {".py", ".j2", ".css"}
LIBRARIES = ("torch", "timm", "numpy", "opencv-python-headless", "pillow")


def provenance(settings: Any = None, seed: int | None = None, **facts: Any) -> dict[str, Any]:
    """Describe this run.

    settings: whatever configured it (JSON-serialisable); kept as a short hash.
    facts: further keys of the caller's, e.g. device="cpu", precision="float32",
    data={"profile": "mini", ...}, command=[...].
    """
    return {
        "commit": git_commit(),
        "source": source_hash(),
        "config": settings_hash(settings),
        "seed": seed,
        "device": facts.pop("device", None) or cpu_name(),
        "precision": facts.pop("precision", None),
        "data": facts.pop("data", None),
        "cpus": available_cpus(),
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": library_versions(),
        "command": ["ttvos", *sys.argv[1:]],
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        **facts,
    }


def settings_hash(settings: Any) -> str | None:
    """First 12 hex digits of the SHA-256 of the settings' canonical JSON."""
    if settings is None:
        return None
    text = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def file_hash(path: Path | str) -> str:
    """SHA-256 of a file's bytes, as hex."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def source_hash(*parts: str, read: Callable[[Path], bytes] = Path.read_bytes) -> str:
    """First 12 hex digits of a hash over the package's sources.

    parts: files or folders relative to `ttvos/` ("model", "training/ttvos.py"); none means all of
    it. read: what of a file counts.
    """
    roots = [PACKAGE / part for part in parts] or [PACKAGE]
    for root in roots:
        root.stat()  # a part that was renamed must not go unnoticed
    files = sorted(
        path
        for root in roots
        for path in ([root] if root.is_file() else root.rglob("*"))
        if path.suffix in SOURCE_SUFFIXES
    )
    digest = hashlib.sha256()
    for path in files:
        digest.update(str(path.relative_to(PACKAGE)).encode())
        digest.update(read(path))
    return digest.hexdigest()[:12]


@cache
def git_commit() -> str | None:
    """Commit of this project's working tree, with "+changes" when tracked files differ.

    Those in WRITTEN do not count. None where the package does not lie in its own repository: one
    that is installed or copied into somebody else's does not tell that one's commit. There
    TTVOS_COMMIT names the commit, if it is set (a container, an archive).
    """
    try:
        if not _is_own_repository():
            return os.environ.get("TTVOS_COMMIT")
        commit = _git("rev-parse", "--short=12", "HEAD")
        others = [f":(exclude){folder}" for folder in WRITTEN]
        changes = _git("status", "--porcelain", "-uno", "--", ".", *others)
        return commit + (CHANGES if changes else "")
    except (OSError, subprocess.SubprocessError):
        return os.environ.get("TTVOS_COMMIT")


def _is_own_repository() -> bool:
    """Whether git's tree here begins where this project's does, and holds this very file."""
    if Path(_git("rev-parse", "--show-toplevel")).resolve() != REPOSITORY.resolve():
        return False
    try:
        project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    except ValueError:
        return False
    is_named = project.get("project", {}).get("name") == PROJECT
    return is_named and bool(_git("ls-files", "--", "ttvos/core/provenance.py"))


def _git(*arguments: str) -> str:
    """What git says of the repository that the package lies in, whatever a hook's variables say."""
    done = subprocess.run(
        ["git", "--no-optional-locks", *arguments],
        cwd=REPOSITORY,
        env={key: value for key, value in os.environ.items() if key not in GIT_PLACES},
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return done.stdout.strip()


@cache
def cpu_name() -> str:
    """Marketing name of the processor, as far as the system tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


@cache
def library_versions() -> dict[str, str]:
    """Installed versions of the libraries that can change a number."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


# A folder from the root, the home folder or a parent: "/a/b/", "~/a/", "../a/", "--out=/a/".
_FOLDERS = re.compile(r"(?<![\w./~-])(?:~|\.\.)?/(?:[^/\s:]+/)*(?=[^/\s:])")


def public(value: Any) -> Any:
    """Plain data with the last name only of every path that leads out of the current folder.

    Paths relative to the current folder stay whole. Texts are searched for such paths, save
    addresses ("https://..."); keys of a dictionary are texts too.
    """
    if isinstance(value, dict):
        return {public(key): public(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [public(item) for item in value]
    if isinstance(value, PurePath):
        return public(str(value))
    return _without_folders(value) if isinstance(value, str) else value


def _without_folders(text: str) -> str:
    if text.startswith(("/", "~", "../")):  # the whole text is a path, maybe with spaces in it
        return PurePath(text).name
    return _FOLDERS.sub("", text)

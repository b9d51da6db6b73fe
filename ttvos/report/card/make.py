"""`ttvos card`: weights in half precision, their card, and the card's facts as data."""

import hashlib
import tempfile
from pathlib import Path
from typing import Any

from ttvos.core.errors import UserError
from ttvos.core.files import atomic_path, write_json
from ttvos.core.provenance import file_hash, provenance, public
from ttvos.core.shipped_weights import SUFFIX, find_weights
from ttvos.model import weights as checkpoint
from ttvos.model.ttvos import TTVOS
from ttvos.report.card.facts import (
    ROUNDED,
    SHIPPED,
    Named,
    data_facts,
    load_training,
    score_facts,
    training_facts,
)
from ttvos.report.card.text import card_text


def make_card(
    weights: Path | str, train: Path | str, scores: Named, references: Named, out: Path | str
) -> dict[str, Any]:
    """Write `out`.safetensors, `out`.md and `out`.json; returns what the last one holds.

    weights: a checkpoint of `ttvos train`; train: its train.json. scores: of each data set, made
    with these weights or with the shipped, rounded ones. references: of other trackers, each on
    the data of one of the scores. The training's provenance stays in the weights, without a
    machine's folders.
    Raises UserError, before anything is written, for files that do not belong together.
    """
    weights, out = find_weights(weights), Path(out)
    if out.suffix or not out.name:
        raise UserError(f"{out}: name it without suffix; .safetensors, .md and .json are made")
    training = load_training(train, weights)
    model = checkpoint.load(weights)
    content = _rounded(model, weights, Path(f"{out}{SUFFIX}"))
    hashes = {file_hash(weights): ROUNDED, hashlib.sha256(content).hexdigest(): SHIPPED}
    facts = {
        "name": out.name,
        "weights": _weights(model, weights, out.name, content),
        "training": training_facts(training),
        "data": data_facts(training.settings),
        "scores": score_facts(scores, references, hashes),
        "provenance": public(provenance()),
    }
    text = card_text(facts)
    with atomic_path(f"{out}{SUFFIX}") as temporary:
        temporary.write_bytes(content)
    with atomic_path(f"{out}.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    write_json(f"{out}.json", facts)
    return facts


def _rounded(model: TTVOS, weights: Path, target: Path) -> bytes:
    """The model in half precision, as a file's bytes; those of `target` if it holds just that.

    The header of a safetensors file has another order each time, so the same weights written
    again would be another file, and the scores made with the old one no longer its own.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "weights.safetensors")
        origin = checkpoint.metadata(weights)["provenance"]
        checkpoint.save(model, file, public(origin), half=True)
        return (target if _is_same(target, file) else file).read_bytes()


def _is_same(old: Path, new: Path) -> bool:
    """Whether two files hold the same weights and metadata."""
    try:
        if checkpoint.metadata(old) != checkpoint.metadata(new):
            return False
        before, after = (checkpoint.load(path).state_dict() for path in (old, new))
    except UserError:  # no file yet, or another kind of file
        return False
    return all(value.equal(after[name]) for name, value in before.items())


def _weights(model: TTVOS, weights: Path, name: str, content: bytes) -> dict[str, Any]:
    return {
        "file": f"{name}{SUFFIX}",
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "precision": "float16 weights of layers; float32 biases and batch-norm statistics",
        "rounded_from_sha256": file_hash(weights),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
    }

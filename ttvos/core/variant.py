"""What a model is made of: the backbones there are, and the parts of an experiment of Table 4."""

from dataclasses import dataclass, fields
from typing import Any, Literal, Self, get_args

from ttvos.core.errors import UserError
from ttvos.core.folders import modules_in

BACKBONES = modules_in("model/backbones")
Clue = Literal["full", "none", "reextract"]


@dataclass(frozen=True)
class Variant:
    """One experiment of the paper's Table 4: which parts the model has.

    The defaults are the full model, exp8. Facts: docs/facts.md, section 6.
    """

    name: str
    short_term: bool = True
    long_term: bool = True
    adaptive_weight: bool = True
    update_template: bool = True
    attention_clue: Clue = "full"
    transition_loss: bool = True

    @classmethod
    def read(cls, values: Any, where: str) -> Self:
        """A variant from plain data; where: how to name the place in an error.

        Raises UserError for what is no such data.
        """
        kinds = {field.name: field.type for field in fields(cls)}
        if not isinstance(values, dict) or "name" not in values:
            raise UserError(f"{where}: expected the parts of an experiment, got {values!r}")
        for key, value in values.items():
            if key not in kinds:
                raise UserError(f"{where}: unknown part {key!r}; known: {', '.join(kinds)}")
            choices = get_args(kinds[key])
            fits = value in choices if choices else isinstance(value, kinds[key])
            if not fits:
                wanted = ", ".join(choices) or kinds[key].__name__
                raise UserError(f"{where}: {key}: expected {wanted}, got {value!r}")
        return cls(**values)

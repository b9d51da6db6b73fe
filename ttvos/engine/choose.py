"""The tracker that the user's options name."""

from ttvos.core.errors import UserError
from ttvos.engine.options import ENGINES
from ttvos.engine.tracker import FastTracker
from ttvos.model.ttvos import TTVOS
from ttvos.tracking.readable import TTVOSTracker


def make_tracker(
    model: TTVOS,
    device: str = "cpu",
    single_object: str = "aggregated",
    input_scale: float = 1.0,
    precision: str = "float32",
    compile: str = "auto",
    engine: str = "fast",
    details: bool = False,
) -> FastTracker | TTVOSTracker:
    """A FastTracker, or with engine "reference" the plain one, which is float32 and never compiled.

    Raises UserError for values that do not exist, or that the reference has no use for.
    """
    if not isinstance(model, TTVOS):
        kind = type(model).__name__
        raise UserError(f"the model is of type {kind}: pass what ttvos.load(NAME or FILE) returns")
    if engine == "fast":
        return FastTracker(model, device, single_object, input_scale, precision, compile, details)
    if engine != "reference":
        raise UserError(f"engine {engine!r}: one of {', '.join(ENGINES)}")
    if precision not in ("auto", "float32") or compile == "on":
        raise UserError("the reference engine is float32 and not compiled: leave out the options")
    return TTVOSTracker(model, device, single_object, input_scale)

"""The authors' checkpoints: their key names onto ours (names only; docs/facts.md, section 2).

A released file holds {"net": state dict} with keys that begin "vos."; the backbone's are timm's
own for HRNet and the ResNets, torchvision's feature indices for MobileNetV3.
"""

import re

from torch import Tensor

from ttvos.config.experiments import find_variant
from ttvos.core.errors import UserError
from ttvos.model.torchvision_names import timm_name
from ttvos.model.ttvos import TTVOS, build_model

PREFIX = "vos."

# (released, ours); a released name is replaced where it stands as a whole prefix.
HEAD_NAMES = (
    ("gcm.conv_key.", "memory.f."),
    ("gcm.conv_val.", "memory.g."),
    ("gcq.conv_val.", "query.q."),
    ("gcq.conv_feat.", "query.feature."),
    ("gcq.blend.", "query.blend."),
    ("refine.conv_s16.conv.", "short_term.template.0."),
    ("refine.blend_s16.conv.", "short_term.match.0."),
    ("refine.conv_s8.conv.", "attention.long_term.0."),
    ("refine.deconv1_1.", "attention.short_term."),
    ("refine.cal_UpW.0.conv.", "adaptive_weight.conv.0."),
    ("refine.cal_UpW.2.", "adaptive_weight.predict."),
    ("refine.blend_s8.conv.", "refinement.blend8.0."),
    ("refine.deconv2.", "refinement.up8."),
    ("refine.conv_s4.conv.", "refinement.f4.0."),
    ("refine.blend_s4.conv.", "refinement.blend4.0."),
    ("refine.deconv1_2.", "refinement.up_short_term."),
    ("refine.deconv3.", "refinement.up4."),
    ("refine.predictor_Diff.", "heads.transition."),
    ("refine.predictor_Tmp.", "heads.template."),
)


def is_released(state_dict: dict[str, Tensor]) -> bool:
    """Whether the keys are those of the authors' files (with or without "module.")."""
    return any(key.removeprefix("module.").startswith(PREFIX) for key in state_dict)


def load_released(state_dict: dict[str, Tensor], backbone: str) -> TTVOS:
    """The full model (experiment 8) with released weights, in eval mode.

    Raises UserError when a key is missing, left over or of another shape, as it is with a file
    of another backbone.
    """
    model = build_model(find_variant("exp8"), backbone)
    weights = {our_name(key, backbone): value for key, value in state_dict.items()}
    expected = model.state_dict()
    problems = sorted(set(expected) ^ set(weights)) or [
        key for key in expected if expected[key].shape != weights[key].shape
    ]
    if problems:
        raise UserError(
            f"this is not a released {backbone} checkpoint: {len(problems)} entries do not fit, "
            f"the first is {problems[0]}; name its own backbone"
        )
    model.load_state_dict(weights)
    return model.eval()


def our_name(key: str, backbone: str) -> str:
    """The name in our model of a released checkpoint's entry."""
    key = key.removeprefix("module.").removeprefix(PREFIX)
    if key.startswith("backbone."):
        rest = key.removeprefix("backbone.")
        if backbone == "mobilenetv3":
            rest = timm_name(re.sub(r"^layer\d\.", "", rest))
        return f"backbone.net.{rest}"
    for released, ours in HEAD_NAMES:
        if key.startswith(released):
            return ours + key.removeprefix(released)
    return key

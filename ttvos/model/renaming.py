"""Names of layers in others' weights files onto ours.

The authors' checkpoints have names that begin with "vos." (docs/facts.md, section 2); of the
backbone, timm's own for HRNet and the ResNets, torchvision's feature indices for MobileNetV3.
Torchvision's own weights of MobileNetV3-Large have these too.
"""

import re
from collections.abc import Iterable

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


def is_released(names: Iterable[str]) -> bool:
    """Whether the names are those of the authors' files (with or without "module.")."""
    return any(name.removeprefix("module.").startswith(PREFIX) for name in names)


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


UNITS = {
    index: f"blocks.{group}.{unit}"
    for index, (group, unit) in enumerate(
        [(g, u) for g, units in enumerate((1, 2, 3, 4, 2, 3, 1)) for u in range(units)], start=1
    )
}
# Units with squeeze-excitation between depthwise and last convolution.
UNITS_WITH_SQUEEZE = {4, 5, 6, 11, 12, 13, 14, 15}


def timm_name(key: str) -> str:
    """ "features.<index>[.block.<position>].<part>..." (or without "features.") as timm has it.

    A key of another form comes back as it is.
    """
    match = re.fullmatch(r"(?:features\.)?(\d+)\.(?:block\.(\d+)\.)?(\w+)\.?(\w*)", key)
    if not match:
        return key
    index, position, part, entry = match.groups()
    if index == "0":
        return f"conv_stem.{entry}" if part == "0" else f"bn1.{entry}"
    if index == "16":
        return f"blocks.6.0.{'conv' if part == '0' else 'bn1'}.{entry}"
    if part in ("fc1", "fc2"):
        place = f"se.conv_{'reduce' if part == 'fc1' else 'expand'}"
    else:
        place = _unit_layer(int(index), int(position), is_norm=part == "1")
    return f"{UNITS[int(index)]}.{place}.{entry}"


def _unit_layer(index: int, position: int, is_norm: bool) -> str:
    """timm's name of the convolution (or its norm) at `position` of an inverted residual."""
    if index in UNITS_WITH_SQUEEZE and position == 3:
        position = 2
    # Unit 1 does not expand, so that its depthwise convolution comes first.
    names = ("conv_dw", "conv_pw") if index == 1 else ("conv_pw", "conv_dw", "conv_pwl")
    return f"bn{position + 1}" if is_norm else names[position]

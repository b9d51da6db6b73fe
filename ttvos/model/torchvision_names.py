"""torchvision's names of MobileNetV3-Large's layers onto timm's, for weights made with it."""

import re

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

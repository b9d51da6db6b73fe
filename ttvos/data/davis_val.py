"""The validation splits of DAVIS: names of the sequences, and frames in all of them together.

For folders of masks that are looked at without the data set beside them (docs/peers.md, section 6).
"""

VAL_2016 = (
    "blackswan",
    "bmx-trees",
    "breakdance",
    "camel",
    "car-roundabout",
    "car-shadow",
    "cows",
    "dance-twirl",
    "dog",
    "drift-chicane",
    "drift-straight",
    "goat",
    "horsejump-high",
    "kite-surf",
    "libby",
    "motocross-jump",
    "paragliding-launch",
    "parkour",
    "scooter-black",
    "soapbox",
)
_FURTHER = (
    "bike-packing",
    "dogs-jump",
    "gold-fish",
    "india",
    "judo",
    "lab-coat",
    "loading",
    "mbike-trick",
    "pigs",
    "shooting",
)
VAL_2017 = tuple(sorted(VAL_2016 + _FURTHER))
VAL = {2016: VAL_2016, 2017: VAL_2017}
FRAMES = {2016: 1376, 2017: 1999}

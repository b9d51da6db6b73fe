"""Layouts of data that trainings read, a file each: what `Stage.source` names.

Each module has `training_items(root, stage, heldout)`, which lists the videos (`ttvos.data.davis.
Video`) or stills (`ttvos.data.layouts.stills.Still`) below a root, checked, without decoding them.
heldout: names of sequences that a stage must not learn from, which layouts of DAVIS alone know.
"""

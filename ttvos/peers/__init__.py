"""The methods that the paper compares with, written from the facts: a record and a module each.

`data/peers/NAME.yaml` is the record (`ttvos.config.peers`), `ttvos/peers/NAME.py` the tracker.
"""

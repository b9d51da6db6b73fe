"""The methods that the paper compares with, written from the facts: a record and a module each.

`data/peers/NAME.yaml` is the record (`ttvos.peers.record`), `ttvos/peers/NAME.py` the tracker.
"""

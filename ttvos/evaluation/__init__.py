"""Scores of result masks: pure metrics, the DAVIS protocol, the official toolkit's adapter."""

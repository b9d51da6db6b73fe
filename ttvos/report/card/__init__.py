"""Weights made ready to ship: half precision, and a model card of numbers read from files."""

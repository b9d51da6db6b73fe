"""What changed between two reports or two evaluations, for `ttvos compare`."""

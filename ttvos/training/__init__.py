"""The parts of training that `ttvos.train` puts together."""

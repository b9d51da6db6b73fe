"""The parts of training that `ttvos.training.loop` puts together."""

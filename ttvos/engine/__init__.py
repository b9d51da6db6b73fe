"""The fast path: the same masks as `ttvos.tracking.readable`, sooner.

fuse.py folds batch-norms, activations and shortcuts into the convolutions; heads.py (matching.py,
convs.py, planes.py) computes once what a frame's objects share; step.py makes one function of
tensors of a whole frame, which compiled.py compiles ahead of time (CPU) and graph.py captures
(CUDA); tracker.py runs it, transfer.py moves frames to a GPU and results back beside it.
"""

"""The fast path: the same masks as `ttvos.tracking.readable`, sooner.

fuse.py folds batch-norms, activations and shortcuts into the convolutions (joined.py says where one
call does all of it); heads.py and matching.py compute once what a frame's objects share, and
plain_heads.py runs the variants without; step.py makes one function of tensors of a whole frame,
which compiled.py compiles ahead of time (CPU) and graph.py captures (CUDA); tracker.py runs it,
transfer.py moves frames to a GPU and results back beside it.
Private names of PyTorch and timm are used in this folder alone, also for others: operators.py sees
operators run, learning.py has what training needs.
"""

# The values of the engine's options; no import of PyTorch, which takes seconds.
ENGINES = ("fast", "reference")
COMPILE = ("auto", "on", "off")
PRECISIONS = ("auto", "float32", "tf32", "bfloat16", "float16")

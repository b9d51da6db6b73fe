raise ImportError("made absent: benchmarks/gpu.sh must run without it")

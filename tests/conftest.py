import os

# Small models: one thread is faster than two, and results do not depend on the machine's number of cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import os

import torch

# Without a GPU, Triton's interpreter runs the kernels of the cuda backend on the CPU's tensors. Triton reads this as it is imported,
# which torch does on its own when it needs to: so it is set before any test runs.
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"

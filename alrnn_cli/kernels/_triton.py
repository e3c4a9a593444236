# mypy: ignore-errors
# Triton compiles these functions from their source: their arguments are pointers and blocks, which Python's types do not name.
"""The two persistent kernels of the `cuda` backend, in Triton: all steps of one tile of trials without leaving the chip.

One program owns ROWS trials of one member. It reads W once, keeps the state (forward) or the adjoint (backward) on chip and
loops over time; per step and trial it reads and writes M numbers of device memory. Blocks are padded to BM units, a power
of two; padded units stay exactly 0, so that they never carry an infinity of their own into a sum.

    z (ROWS, BM)  x  w (BM, BM)  ->  (ROWS, BM)          w[i, j]: from unit i to unit j

How the product is formed depends on the tile:

    ROWS = 1, 4     products and a sum, each thread with its share of w in registers; always IEEE
    ROWS = 16       tl.dot, w in shared memory; PRECISION "ieee" (fused multiply-add) or "tf32" (tensor cores)
    PANEL > 0       tl.dot, panels of PANEL rows of w streamed from the L2 cache every step: w is larger than an SM

All offsets are 64 bits: E·B·T·M may exceed 2^31. Nothing is atomic, every sum has one order.
"""

import triton
import triton.language as tl


@triton.jit
def _product(x, w, weights, M, BM: tl.constexpr, ROWS: tl.constexpr, PANEL: tl.constexpr, PRECISION: tl.constexpr):
    """x (ROWS, BM) times w (BM, BM); with PANEL, w is read at `weights`, contiguous (BM, BM), and the argument not used."""
    if PANEL > 0:
        # Registers cannot be indexed by a run-time number: a panel of x is picked by a select and an exact sum with zeros.
        PANELS: tl.constexpr = BM // PANEL
        parts = tl.reshape(x, (ROWS, PANELS, PANEL))
        number = tl.arange(0, PANELS)[None, :, None]
        rows = tl.arange(0, PANEL)[:, None]
        columns = tl.arange(0, BM)[None, :]
        out = tl.zeros((ROWS, BM), tl.float32)
        for j in range(tl.cdiv(M, PANEL)):
            panel = tl.load(weights + (j * PANEL + rows) * BM + columns)
            part = tl.sum(tl.where(number == j, parts, 0.0), axis=1)
            out = tl.dot(part, panel, out, input_precision=PRECISION)
    elif ROWS < 16:
        out = tl.sum(x[:, :, None] * w[None, :, :], axis=1)
    else:
        out = tl.dot(x, w, input_precision=PRECISION)
    return out


@triton.jit
def _weights(weights, M, W_IN, W_OUT, BM: tl.constexpr, PANEL: tl.constexpr):
    """w (BM, BM), zero beyond M; with PANEL, a stand-in that is not used."""
    i = tl.arange(0, BM)
    if PANEL > 0:
        w = tl.zeros((1, 1), tl.float32)
    else:
        inside = (i < M)[:, None] & (i < M)[None, :]
        w = tl.load(weights + i[:, None] * W_IN + i[None, :] * W_OUT, mask=inside, other=0.0)
    return w


@triton.jit(do_not_specialize=["B", "n", "t0"])
def forward(
    X, END, W, A, H, Z0, PWL, LENGTHS, B, n, t0, M, W_MEMBER, W_IN, W_OUT,
    BM: tl.constexpr, ROWS: tl.constexpr, PANEL: tl.constexpr, PRECISION: tl.constexpr, STORE: tl.constexpr,
):  # fmt: skip
    """n steps z = A∘z + W Φ(z) + x_t + h from Z0, the last state to END; with STORE, each state in the place of its x_t.

    X: (E, B, n, M) inputs C s_t, overwritten; END, Z0: (E, B, M); W: element (i, j) of member e at e·W_MEMBER + i·W_IN + j·W_OUT
    is the weight from unit i to unit j; A, H: (E, M); PWL: (E, M) bool; LENGTHS: (E, B) or None; t0: steps before these.
    """
    tiles = tl.cdiv(B, ROWS)
    tile = tl.program_id(0) % tiles
    e = (tl.program_id(0) // tiles).to(tl.int64)
    r = tl.arange(0, ROWS)
    i = tl.arange(0, BM)
    inside = (tile * ROWS + r < B)[:, None] & (i < M)[None, :]
    # A 64-bit number for the tile and 32-bit ones within it take half the registers of 64-bit ones throughout.
    first = e * B + tile * ROWS
    within = r[:, None] * M + i[None, :]

    weights = W + e * W_MEMBER
    w = _weights(weights, M, W_IN, W_OUT, BM, PANEL)
    a = tl.load(A + e * M + i, mask=i < M, other=0.0)[None, :]
    h = tl.load(H + e * M + i, mask=i < M, other=0.0)[None, :]
    pwl = (tl.load(PWL + e * M + i, mask=i < M, other=0) != 0)[None, :]
    z = tl.load(Z0 + first * M + within, mask=inside, other=0.0)
    if LENGTHS is not None:
        steps = tl.load(LENGTHS + first + r, mask=tile * ROWS + r < B, other=0).to(tl.int32)[:, None] - t0

    x = X + (first + r)[:, None] * n * M + i[None, :]
    u = tl.load(x, mask=inside, other=0.0)
    for t in range(n):
        # The next step's input is asked for now: it arrives while this step is computed.
        following = tl.load(x + M, mask=inside & (t + 1 < n), other=0.0)
        # z <= 0 rather than not z > 0: a NaN stays a NaN.
        phi = tl.where(pwl & (z <= 0.0), 0.0, z)
        new = a * z + _product(phi, w, weights, M, BM, ROWS, PANEL, PRECISION) + u + h
        new = tl.where(inside, new, 0.0)
        if LENGTHS is not None:
            new = tl.where(t < steps, new, z)
        z = new
        if STORE:
            tl.store(x, z, mask=inside)
        x += M
        u = following
    tl.store(END + first * M + within, z, mask=inside)


@triton.jit
def _state(STATES, Z0, first, r, i, T, t, M, inside):
    """The state before step t of the trials first + r: the stored z_t, or z_0 where t = 0 (and below, where it is not used)."""
    at = tl.where(t > 0, STATES + (first * T + t - 1) * M, Z0 + first * M)
    stride = tl.where(t > 0, T.to(tl.int64) * M, M)
    return tl.load(at + r[:, None] * stride + i[None, :], mask=inside, other=0.0)


@triton.jit(do_not_specialize=["B", "T", "n", "t0"])
def backward(
    STATES, GRAD, LAMBDA, G, PHI, SUMS, W, A, Z0, PWL, LENGTHS, B, T, n, t0, M, W_MEMBER, W_IN, W_OUT,
    BM: tl.constexpr, ROWS: tl.constexpr, PANEL: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The adjoint recurrence of steps t0+n-1 … t0, from the last to the first.

        g_t = λ_t on active steps, else 0
        λ_{t-1} = (A∘g_t + Φ'(z_{t-1})∘(g_t W) on active steps, else λ_t) + dL/dz_{t-1}

    STATES: (E, B, T, M); GRAD: (E, B, T, M), or None where only the last state has one; LAMBDA: (E, B, M), λ after these steps,
    overwritten by λ before them; G, PHI: (E, n, B, M), written: g_t and Φ(z_{t-1}); SUMS: (2, E, tiles, M), to which the sums of
    g_t∘z_{t-1} and of g_t over a program's trials and these steps are added. W as in `forward`, here from unit j to unit i.
    """
    tiles = tl.cdiv(B, ROWS)
    tile = tl.program_id(0) % tiles
    e = (tl.program_id(0) // tiles).to(tl.int64)
    r = tl.arange(0, ROWS)
    i = tl.arange(0, BM)
    inside = (tile * ROWS + r < B)[:, None] & (i < M)[None, :]
    # A 64-bit number for the tile and 32-bit ones within it take half the registers of 64-bit ones throughout.
    first = e * B + tile * ROWS
    within = r[:, None] * M + i[None, :]

    weights = W + e * W_MEMBER
    w = _weights(weights, M, W_IN, W_OUT, BM, PANEL)
    a = tl.load(A + e * M + i, mask=i < M, other=0.0)[None, :]
    pwl = (tl.load(PWL + e * M + i, mask=i < M, other=0) != 0)[None, :]
    lam = tl.load(LAMBDA + first * M + within, mask=inside, other=0.0)
    if LENGTHS is not None:
        steps = tl.load(LENGTHS + first + r, mask=tile * ROWS + r < B, other=0).to(tl.int32)[:, None]

    da = tl.zeros((ROWS, BM), tl.float32)
    dh = tl.zeros((ROWS, BM), tl.float32)
    written = ((e * n + n - 1) * B + tile * ROWS) * M
    if ROWS < 16:
        z = _state(STATES, Z0, first, r, i, T, t0 + n - 1, M, inside)
    for k in range(n):
        t = t0 + n - 1 - k
        # What is needed after the product is asked for before it. Where registers allow, the state is asked for a step ahead.
        if ROWS < 16:
            earlier = _state(STATES, Z0, first, r, i, T, t - 1, M, inside)
        else:
            z = _state(STATES, Z0, first, r, i, T, t, M, inside)
        if GRAD is not None:
            below = GRAD + (first * T + t - 1) * M
            stride = tl.where(t > 0, T.to(tl.int64) * M, 0)
            outer = tl.load(below + r[:, None] * stride + i[None, :], mask=inside & (t > 0), other=0.0)
        g = lam
        if LENGTHS is not None:
            active = t < steps
            g = tl.where(active, lam, 0.0)
        tl.store(G + written + within, g, mask=inside)
        dh += g
        back = _product(g, w, weights, M, BM, ROWS, PANEL, PRECISION)
        closed = pwl & (z <= 0.0)
        phi = tl.where(closed, 0.0, z)
        new = tl.where(inside, a * g + tl.where(closed, 0.0, back), 0.0)
        if LENGTHS is not None:
            new = tl.where(active, new, lam)
        tl.store(PHI + written + within, phi, mask=inside)
        da += g * z
        lam = new
        if GRAD is not None:
            lam += outer
        if ROWS < 16:
            z = earlier
        written -= B.to(tl.int64) * M
    tl.store(LAMBDA + first * M + within, lam, mask=inside)
    # Trials past B kept λ = 0 and add nothing.
    own = SUMS + (e * tiles + tile) * M + i
    tl.store(own, tl.load(own, mask=i < M, other=0.0) + tl.sum(da, axis=0), mask=i < M)
    own += tl.num_programs(0).to(tl.int64) * M
    tl.store(own, tl.load(own, mask=i < M, other=0.0) + tl.sum(dh, axis=0), mask=i < M)

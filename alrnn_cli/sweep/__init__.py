"""Many runs of one question: the grid, the folder that is the sweep, its queue and workers, and the table that comes out."""

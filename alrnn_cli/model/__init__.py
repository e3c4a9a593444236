"""What is trained: the AL-RNN with its readout, the encoders before it, and the penalty on its weights."""

"""MaxSim over encoded pages: the kernels and the threads that run them."""

"""Makes packages from built programs. Nothing here reaches the network."""

"""What a network is computed with: devices, memory and streams of random numbers."""

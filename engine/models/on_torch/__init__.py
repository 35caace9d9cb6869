"""What models on torch share: devices, batches, pictures' grids."""

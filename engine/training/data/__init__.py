"""Examples to learn from: sources in many layouts, batches from them, and what is wrong with them."""

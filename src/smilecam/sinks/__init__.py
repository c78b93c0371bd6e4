"""Where results go: one sink for each form of output, and what they draw and encode with."""

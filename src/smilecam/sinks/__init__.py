"""Where results go: one sink for each form of output, and what the sinks draw and encode with."""

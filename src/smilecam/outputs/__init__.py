"""Where results go: one sink for each form. A sink is told of every source's begin, frames and end."""

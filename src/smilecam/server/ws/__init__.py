"""What goes over WebSockets."""

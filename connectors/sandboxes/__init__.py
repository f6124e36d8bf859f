"""What the sandboxes of sources have in common: sending webhooks, the desk over HTTP, and running as a process."""

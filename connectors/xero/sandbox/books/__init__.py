"""What the sandbox keeps: records, their tables, and one module for each resource's rules."""

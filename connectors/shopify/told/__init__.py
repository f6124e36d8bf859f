"""What Shopify tells, in its two shapes, and the domain facts that it means. Pure."""

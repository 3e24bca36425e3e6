"""The only code that touches the network: one module per provider."""

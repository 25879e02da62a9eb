"""REST, version 1: what platforms and operators call."""

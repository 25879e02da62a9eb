"""The durable record of all that passes; the only thing between intake and delivery."""

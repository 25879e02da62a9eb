"""Who connects, before anybody is known: how much they may send, how slowly, and how many there may be."""

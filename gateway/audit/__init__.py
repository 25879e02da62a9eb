"""The proof of what happened: a Merkle tree over every fact, its signed heads, and how both are verified. Pure."""

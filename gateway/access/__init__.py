"""Who is calling: credentials, and how they are told from guesses."""

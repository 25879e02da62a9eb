"""Who is calling: tokens, the platform or administrator that a token stands for."""

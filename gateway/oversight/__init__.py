"""What is watched over in a case: its statutory deadlines."""

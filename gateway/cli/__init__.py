"""The command line: what operators and those who write adapters type."""

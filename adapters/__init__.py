"""The platforms' languages: bundles, formats and the two-way mapping engine. Sans-I/O — values in, values out."""

"""The paper's tables and figures, one file an experiment, and what serves them alone."""

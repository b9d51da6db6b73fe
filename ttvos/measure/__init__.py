"""What a model costs (parameters, MACs) and how fast it runs."""

"""SPGen-Lit: stochastic scanpaths on photographs and paintings."""

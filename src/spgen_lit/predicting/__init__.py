"""Prediction for files and folders: what is sampled, drawn, written and resumed."""

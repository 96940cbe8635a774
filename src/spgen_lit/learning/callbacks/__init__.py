"""Callbacks of training: checkpoints, monitors of the domains, pictures, dashboards."""

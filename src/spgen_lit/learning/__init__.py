"""The LightningModule, adaptation, losses, optimisation and callbacks."""

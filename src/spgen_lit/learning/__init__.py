"""The LightningModule, adaptation, losses, optimizer and callbacks."""

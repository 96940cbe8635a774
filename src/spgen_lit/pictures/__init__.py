"""Pictures of scanpaths: overlays, density, replays, plots and the page that shows them all."""

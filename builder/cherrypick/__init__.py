"""Cherry-pick upstream commits onto releases, and judge beforehand what they would change."""

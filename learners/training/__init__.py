"""What every learner that is trained in rounds shares: saving, stopping, devices."""

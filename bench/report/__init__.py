"""The report: one folder that opens in a browser from disk, with every table, curve, clip and photograph."""

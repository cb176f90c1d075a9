"""The networks of the systems that are compared: shapes and decoding as published, without training."""

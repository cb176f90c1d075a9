"""Methods: one file, one class, found by name. `bench/method.py` holds the contract."""

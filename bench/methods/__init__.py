"""Methods: one file, one class, found by name. `bench/methods/contract/method.py` holds the contract."""

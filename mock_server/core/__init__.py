"""The rules of the API as pure functions of values: no I/O, no async, no clock, no randomness, no logging."""

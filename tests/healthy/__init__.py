"""A second server, written from the documents alone, healthy in many ways. It shares nothing with the mock."""

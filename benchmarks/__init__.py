"""Speed and memory of the mock, measured next to peers. See README.md beside this file."""

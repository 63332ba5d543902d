"""The report card on a client: what its requests say about it, judged from what the account keeps anyway. Pure."""

"""The contract kit: proves that a server keeps the contract in openapi/."""

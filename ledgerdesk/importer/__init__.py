"""Import of another desk's log: a mapping file says what its columns mean, and every row becomes facts.

Read in this order: `mapping` (what a mapping may say), `source` (the file's records), `rows` (records in our words),
`derive` and `directory` (rows become facts; pure), `send` (facts become ledger), `run` (all of it).
"""

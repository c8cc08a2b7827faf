"""Import of another desk's log: a mapping file says what its columns mean, and every row becomes facts.

Read in this order: `mapping` (what a mapping may say), `source` (the file's records), `cells` and
`reader` (records become `rows`, in our words), `derive` and `people` (rows become `facts`; pure), `send` (facts become
ledger), `run` (all of it), `command` (at a terminal).
"""

"""The paper's tables: one stage a table, the notes under them, and the paper's own numbers."""

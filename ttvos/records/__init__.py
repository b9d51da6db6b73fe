"""Result files as typed records: one definition of each, for those who write and who read them.

`schema` says what is in them, `store` reads, writes and refuses files.
"""

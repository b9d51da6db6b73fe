"""The one error type, and the one warning, whose text is meant for the person at the keyboard."""


class UserError(Exception):
    """Something the user can put right: bad input, a missing file, an unknown name.

    The text is one line that says what is wrong, where, and what to do about it.
    `ttvos.cli` prints it without a traceback and exits with code 1.
    """


class UserNotice(UserWarning):
    """Something that goes on, but not as asked or expected: one line, which `ttvos.cli` prints."""

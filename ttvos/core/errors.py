"""The one error type, and the one warning, whose text is meant for the person at the keyboard."""


class UserError(Exception):
    """Something the user can put right: bad input, a missing file, an unknown name.

    The text is one line that says what is wrong, where, and what to do about it, in Python's
    words. `ttvos.cli.main` prints `on_command_line`, the same line with options in place of
    arguments where the two differ, without a traceback, and exits with code 1.
    """

    def __init__(self, text: str, on_command_line: str | None = None) -> None:
        super().__init__(text)
        self.on_command_line = on_command_line or text


class UserNotice(UserWarning):
    """Something that goes on, but not as asked or expected: one line, which `ttvos.cli.main`
    prints.
    """

"""How far a long loop is: a bar on a terminal, and in a log or a pipe a plain line every ten seconds."""

import sys

from tqdm import tqdm


class Bar(tqdm):
    """tqdm with its arguments. Lines of a log read `score ours: images: 12/20 [00:06, 2.10it/s]`."""

    def __init__(self, *args, **kwargs):
        self.lines = not (kwargs.get("file") or sys.stderr).isatty()
        if self.lines:
            form = "{desc}: {n_fmt}/{total_fmt} [{elapsed}, {rate_fmt}]"
            kwargs |= {"bar_format": form, "mininterval": 10, "maxinterval": 10}
        super().__init__(*args, **kwargs)

    def display(self, msg=None, pos=None):
        if not self.lines:
            return super().display(msg, pos)
        if msg != "":  # which asks to wipe a bar
            print(msg or str(self), file=self.fp, flush=True)
        return False

    def close(self):
        if self.lines and not self.disable:
            self.leave = False  # or tqdm ends its bar with a line feed
            if self.n != self.last_print_n:
                self.display()
        super().close()

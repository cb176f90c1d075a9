"""What is wrong with a weight file, said the same way by every reader."""

from pathlib import Path


class WrongWeights(ValueError):
    """A weight file that is not what it should be; the message names the file and the first wrong tensor."""

    def __init__(self, path: str | Path, detail: str):
        super().__init__(f"{path}: {detail}")


class CutOff(EOFError):
    """Bytes end before the value that they announce; a reader makes it a WrongWeights that says where."""

    def __init__(self, announced: int, rest: memoryview, field: int = 0):
        super().__init__(f"{announced} bytes announced, {len(rest)} there")
        self.rest, self.field = rest, field  # what is there of the value, and its field in a protobuf message

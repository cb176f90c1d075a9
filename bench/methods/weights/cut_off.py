"""What breaks off in a weight file; a reader makes it a MisfitWeights that says where."""


class CutOff(EOFError):
    """Bytes end before the value that they announce."""

    def __init__(self, announced: int, rest: memoryview, field: int = 0):
        super().__init__(f"{announced} bytes announced, {len(rest)} there")
        self.rest, self.field = rest, field  # what is there of the value, and its field in a protobuf message

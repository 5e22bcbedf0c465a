"""What a proof says when it is done: one line of the table of promises."""


def tell(promise: str, figure: str, *, holds: bool, seed: str = "-") -> str:
    """Print the line and return it, for the assertion that may follow."""
    line = f"proof | {promise} | {figure} | {'holds' if holds else 'BROKEN'} | seed {seed}"
    print(line)
    return line

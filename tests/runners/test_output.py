from hypothesis import given
from hypothesis import strategies as st

from dogwatch.runners.output import Tail


def test_a_short_output_is_kept_whole() -> None:
    tail = Tail(10)
    tail.add(b"hello")
    tail.add(b"world")
    assert (tail.head + tail.tail, tail.dropped) == (b"helloworld", 0)
    assert tail.text() == "helloworld"


def test_of_a_long_output_head_and_tail_are_kept() -> None:
    tail = Tail(4)
    tail.add(b"0123456789")
    assert (tail.head, tail.tail, tail.dropped, tail.total) == (b"01", b"89", 6, 10)
    assert tail.text() == "01\n[… 6 bytes dropped …]\n89"


def test_a_cut_or_wrong_character_is_replaced() -> None:
    tail = Tail(2)
    tail.add("ä".encode()[:1])
    assert tail.text() == "\ufffd"


@given(st.integers(2, 50), st.lists(st.binary(max_size=40)))
def test_any_chunks_give_the_ends_of_the_whole(cap: int, chunks: list[bytes]) -> None:
    tail, whole = Tail(cap), b"".join(chunks)
    for chunk in chunks:
        tail.add(chunk)
    assert tail.head == whole[: cap // 2]
    assert tail.dropped == max(0, len(whole) - cap)
    assert tail.head + tail.tail == (
        whole if not tail.dropped else whole[: cap // 2] + whole[-(cap - cap // 2) :]
    )

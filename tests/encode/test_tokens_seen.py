from __future__ import annotations

import threading

from strange_encoders import CARD, write_strange

from rubricator.encode import Encoder
from rubricator.encode.tokens_seen import tell, telling


def test_only_who_asks_in_its_own_thread_is_told():
    seen, other = [], []
    tell(1, 0.0)
    with telling(lambda tokens, seconds: seen.append(tokens)):
        tell(2, 0.0)
        thread = threading.Thread(target=lambda: (tell(3, 0.0), other.append(1)))
        thread.start()
        thread.join()
    tell(4, 0.0)
    assert (seen, other) == ([2], [1])


def test_an_encoder_tells_of_its_tokens(tmp_path):
    write_strange(tmp_path, [1.0] * CARD.width)
    encoder = Encoder.load(tmp_path, runtime="onnx")
    seen = []
    with telling(lambda tokens, seconds: seen.append((tokens, seconds >= 0))):
        encoder.encode(["слово", "два слова"])
    assert [timed for _, timed in seen] == [True]
    assert seen[0][0] >= 2

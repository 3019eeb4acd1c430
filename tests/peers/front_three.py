"""Three clients of one session behind the front: one never reads, any of the others may answer."""

import json

from front_lib import HOST_S, expect
from front_watch import Watched, gaps, pump, told
from pace import share

# A stream that no buffer on the way holds: 0.8 MB a second.
RATE, SIZE = 200, 4_000
STREAM_S = {False: 20, True: 7}
SMALL_BUFFER = 4096
GAP_P99_MS = 250
# Answers in words of one's own: neither is in the question.
OWN = ("crimson", "azure")
# The code of an answer to a question that nobody asks any more.
LATE = 4009


def three(server, quick, slack):
    clients = []
    try:
        first = Watched(server.port)
        clients.append(first)
        first.create()
        first.turn("SAY:hello")
        deaf, second = Watched(server.port, receive_buffer=SMALL_BUFFER), Watched(server.port)
        clients += [deaf, second]
        for one in (deaf, second):
            one.join(first.session)
        more = [flow(first, second, STREAM_S[quick], slack),
                asked(first, second, "CLARIFY:Which?|red|blue", "clarify", [{"answer": word} for word in OWN]),
                asked(first, second, "APPROVE:rm -rf build", "approval", [{"choice": "once"}, {"choice": "deny"}])]
        catch_up(deaf, first)
        return "; ".join(more)
    finally:
        for one in clients:
            one.close()


def flow(first, second, seconds, slack):
    """Both see the same text in time, while the third does not read."""
    second.forget()
    first.submit(f"RATE={RATE} SIZE={SIZE} TOKENS={RATE * seconds}")
    pump([first, second], seconds + HOST_S, until=lambda: first.done and second.done)
    for one in (first, second):
        expect(one.lost is None, f"a socket is gone: {one.lost}")
        expect(one.done and one.done["status"] == "complete", f"no end: {one.done and one.done['status']}")
        expect(one.text.strip() == one.done["text"].strip(), "its deltas are not its answer")
        values = gaps(one.at, one.at[0], one.at[-1])
        print(f"   {len(one.text):,} characters, sha256 {one.hash[:16]}, gaps between deltas {told(values)} ms "
              "(p50 / p99 / max)", flush=True)
        expect(share(values, 0.99) <= GAP_P99_MS * slack, f"gaps of {share(values, 0.99):.0f} ms (p99)")
    expect(first.hash == second.hash, "two clients saw different texts")
    expect(len(first.text) >= RATE * SIZE * seconds * 0.99, f"only {len(first.text)} characters came")
    return f"two of three saw the same {len(first.text):,} characters"


def asked(first, second, prompt, kind, answers):
    """Both answer at the same moment: one wins, and both see the turn go on."""
    both = (first, second)
    second.forget()
    first.submit(prompt)
    pump(both, HOST_S, until=lambda: all(one.questions for one in both))
    expect(all(one.questions for one in both), f"{kind}: asked were {[one.questions for one in both]}")
    (kind_, payload), (_, same) = first.questions[0], second.questions[0]
    expect(kind_ == f"{kind}.request" and payload == same, f"{payload} and {same}")
    names = {"session_id": first.session}
    if payload.get("request_id"):
        names["request_id"] = payload["request_id"]
    calls = [(one, one.client.start(f"{kind}.respond", **names, **answer)) for one, answer in zip(both, answers)]
    pump(both, HOST_S, until=lambda: all(call in one.replies for one, call in calls)
         and all(one.done or one.lost for one in both))
    replies = [one.replies.get(call) for one, call in calls]
    won = [at for at, reply in enumerate(replies) if reply and has_won(reply)]
    expect(len(won) == 1, f"{kind}: answered were {json.dumps(replies)}")
    beaten = replies[1 - won[0]]
    expect("result" in beaten or beaten["error"]["code"] == LATE, f"{kind}: who came late was told {beaten}")
    for one in both:
        expect(one.lost is None and one.done, f"{kind}: no end ({one.lost})")
        expect(one.done["status"] == "complete", f"{kind}: ended as {one.done}")
    expect(first.text == second.text and first.done["text"] == second.done["text"], f"{kind}: different ends")
    if kind == "clarify":
        word, other = OWN[won[0]], OWN[1 - won[0]]
        said = first.done["text"]
        expect(word in said and other not in said, f"{word} won over {other}, the model was told {said!r}")
    return f"{kind} was answered once"


def has_won(reply):
    return "result" in reply and reply["result"].get("resolved", 1) != 0


def catch_up(deaf, first):
    """It reads after all: its socket is open, and what it is told ends with what the others saw last."""
    pump([deaf], HOST_S, until=lambda: deaf.done and deaf.done["text"] == first.done["text"])
    expect(deaf.lost is None, f"the one that did not read was closed: {deaf.lost}")
    expect(deaf.done and deaf.done["text"] == first.done["text"], "the one that did not read was not told the end")

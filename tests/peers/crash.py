#!/usr/bin/env python3
"""The gateway is killed with SIGKILL again and again, always on the same home: nothing that was promised is lost.

    crash.py --binary PATH [--rounds N] [--seed N] [--quick] [--keep DIR]

In each round conversations stream, run commands, ask for approvals and clarifications, and have prompts waiting; then
the process is killed at a random moment. The next one has to show:

- every prompt whose submit was answered, once, in the order in which they were sent;
- the text a client saw more than a second before the kill, and nothing twice;
- the questions that were open for as long, asked again until somebody answers, over as many restarts as it takes;
  one that was answered is never asked again;
- commands that were run at most once: what was approved exactly once if its turn went on, what was denied never;
- a sound file.
"""

import argparse
import heapq
import itertools
import json
import random
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

from gateway import FakeModel, Server, Which, add_arguments
from store_lib import Failed, Place, call, expect, expect_sound, shown
from wire import Client, Closed, Late, WebSocket

ROUNDS, ROUNDS_QUICK = 500, 10
# Conversations in play at once, and in how many rounds each of them is.
SLOTS = 5
ROUNDS_EACH = (2, 6)
# When the process is killed, in seconds after its work began: half of the rounds soon, half of them late enough that
# text has to be kept.
SOON, LATE = (0.02, 0.6), (0.8, 2.4)
# What was seen for so long before the kill has to be there: twice the interval in which text is written.
SETTLED_S = 1.0
ANSWER_S = 20
TURN_S = 30
# Conversations looked at together when all is over.
BATCH = 16
# Prompts wait behind a turn instead of stopping it.
CONFIG = "display:\n  busy_input_mode: queue\n"
RAN = "ran.txt"


class Turn:
    """One prompt, what was seen of it, and what it may do."""

    def __init__(self, kind, mark, text, expected=None):
        self.kind = kind
        self.mark = mark
        self.text = text
        # All that its answer can be, without white space; None where tools have a word in it.
        self.expected = expected
        self.acknowledged = False
        self.pieces = []

    def seen(self, until):
        """The text that was there by then, without white space."""
        return squeezed("".join(text for at, text in self.pieces if at <= until))


class Question:
    """What a turn asked, and what became of it."""

    def __init__(self, kind, request, turn, at):
        self.kind = kind
        self.request = request
        self.turn = turn
        self.at = at
        self.choice = None
        self.acknowledged = False
        self.asked = 1
        # How many turns there were when it was given up.
        self.before = 0


class Conversation:
    """A stored conversation: everything that was done in it over all rounds."""

    def __init__(self, key, rounds):
        self.key = key
        self.rounds = rounds
        self.turns = []
        self.question = None
        # One that a later prompt made pointless, as far as we know.
        self.given_up = None
        # A question was answered by another process than asked it: the answer stands at the transcript's end.
        self.went_on = False
        self.sid = None
        # Index of the first turn of its last round with new ones, and of the turn whose events come now.
        self.first = 0
        self.running = None

    @property
    def acknowledged(self):
        return [turn for turn in self.turns if turn.acknowledged]


def squeezed(text):
    return "".join(text.split())


class Trial:
    """All rounds on one home."""

    def __init__(self, which, place, dice):
        self.which = which
        self.place = place
        self.dice = dice
        self.server = self.client = None
        self.marks = itertools.count(1)
        self.conversations = []
        self.playing = []
        # By mark: what was answered to the question of a turn, and how often the end of its command was seen.
        self.answers = {}
        self.done = Counter()
        self.count = Counter()
        self.starts = []
        self.killed = 0.0

    # One process.

    def start(self):
        began = time.monotonic()
        self.server = Server(self.which, self.place)
        self.client = Client(WebSocket(self.server.port), ANSWER_S)
        self.client.event("gateway.ready")
        self.starts.append((time.monotonic() - began) * 1000)
        self.replies = {}
        self.by_sid = {}
        self.due = []
        self.order = itertools.count()

    def end(self):
        if self.server:
            self.server.stop()
        if self.client:
            self.client.link.close()

    def kill(self):
        """Kills it, and hears what it had said by then."""
        self.killed = time.monotonic()
        self.server.child.kill()
        self.server.child.wait()
        try:
            while True:
                self.hear(self.client.next(ANSWER_S))
        except (Closed, Late, OSError):
            self.end()

    def send(self, then, method, **params):
        """A call whose result is handed to `then` when it comes."""
        self.replies[self.client.start(method, **params)] = (method, then)

    def later(self, seconds, action):
        heapq.heappush(self.due, (time.monotonic() + seconds, next(self.order), action))

    def play(self, seconds, until=None):
        """Hears and does what is due for so long, or until `until()`."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end and not (until and until()):
            if self.due and self.due[0][0] <= now:
                heapq.heappop(self.due)[2]()
                continue
            wait = min(end, self.due[0][0] if self.due else end) - now
            try:
                self.hear(self.client.next(max(wait, 0.0005)))
            except Late:
                pass
        return until is None or until()

    def hear(self, message):
        now = time.monotonic()
        if message.get("id") in self.replies:
            method, then = self.replies.pop(message["id"])
            expect("result" in message, f"{method}: {message.get('error')}")
            if then:
                then(message["result"])
            return
        params = message.get("params") or {}
        conversation = self.by_sid.get(params.get("session_id"))
        if conversation and "type" in params:
            self.hear_event(conversation, params["type"], params.get("payload") or {}, now)

    def hear_event(self, conversation, kind, payload, now):
        expect(kind != "error", f"{conversation.key}: {payload}")
        if kind == "message.start":
            # Turns run in the order in which they were submitted; one that goes on after a restart is none of them.
            if conversation.running is not None:
                conversation.running += 1
            return
        at = conversation.running
        turn = conversation.turns[at] if at is not None and 0 <= at < len(conversation.turns) else None
        if kind == "message.delta" and turn:
            turn.pieces.append((now, payload["text"]))
        elif kind == "message.complete":
            expect(payload["status"] == "complete", f"{conversation.key} ended as {payload['status']}: {payload}")
            self.count["turns that ended"] += 1
        elif kind == "tool.complete":
            command = (payload.get("args") or {}).get("command", "")
            for mark in command.split()[-3:-2]:
                self.done[mark] += 1
        elif kind in ("approval.request", "clarify.request"):
            self.asked(conversation, kind, payload, turn, now)

    def asked(self, conversation, kind, payload, turn, now):
        open_ = conversation.question
        request = payload["request_id"]
        if open_ and open_.request == request:
            expect(not open_.acknowledged, f"{conversation.key}: asked again after it was answered: {payload}")
            open_.asked += 1
            return
        old = conversation.given_up
        if old and old.request == request:
            expect(not any(later.acknowledged for later in conversation.turns[old.before:]),
                   f"{conversation.key}: asked again though it was given up: {payload}")
            self.answers.pop(old.turn.mark, None)
            conversation.question, conversation.given_up = old, None
            old.asked += 1
            return
        text = payload.get("command") or payload.get("question")
        of = next((one for one in conversation.turns if one.mark in text.split()), turn)
        expect(of is not None, f"{conversation.key}: a question of no turn: {payload}")
        expect(of.mark not in self.answers, f"{conversation.key}: asked though it was answered: {payload}")
        conversation.question = Question(kind, request, of, now)

    # One round.

    def round(self, number):
        self.start()
        self.resume(self.playing, fresh=True)
        if self.place.database.exists():
            expect_sound(self.place.database)
        self.playing = [one for one in self.playing if one.rounds > 0]
        while len(self.playing) < SLOTS:
            self.create()
        for conversation in self.playing:
            conversation.rounds -= 1
            self.act(conversation)
        self.play(self.dice.uniform(*self.dice.choice((SOON, LATE))))
        self.kill()
        ran = Counter(self.ran())
        twice = [mark for mark, times in ran.items() if times > 1]
        expect(not twice, f"round {number}: run more than once: {twice}")

    def create(self):
        made = self.client.result("session.create", cols=80)
        conversation = Conversation(made["stored_session_id"], self.dice.randint(*ROUNDS_EACH))
        conversation.sid = made["session_id"]
        conversation.running = -1
        self.by_sid[conversation.sid] = conversation
        self.conversations.append(conversation)
        self.playing.append(conversation)

    def resume(self, conversations, fresh):
        """Resumes them and holds what they show against what was seen. `fresh`: nothing was done since the kill."""
        for conversation in list(conversations):
            reply = self.client.call("session.resume", session_id=conversation.key, cols=80)
            if "error" in reply:
                # One that nobody was told of a prompt of need not be there.
                expect(reply["error"]["code"] == 4007 and not conversation.acknowledged,
                       f"{conversation.key}: {reply['error']}")
                conversations.remove(conversation)
                continue
            result = reply["result"]
            expect(result["session_key"] == conversation.key, f"{conversation.key} led to {result['session_key']}")
            conversation.sid = result["session_id"]
            conversation.running = None
            self.by_sid[conversation.sid] = conversation
            self.compare(conversation, result, fresh)
        # Questions follow the reply they belong to; so they are here once the next reply is.
        asked = {id(one): one.question.asked for one in conversations if one.question}
        self.send(None, "session.active_list")
        expect(self.play(ANSWER_S, until=lambda: not self.replies), "no answer to session.active_list")
        for conversation in conversations:
            if conversation.question:
                self.expect_asked(conversation, asked.get(id(conversation), 0))
            conversation.given_up = None

    def compare(self, conversation, result, fresh):
        slices = transcript(conversation, result)
        order = [text for text, _ in slices]
        at = 0
        for index, turn in enumerate(conversation.turns):
            times = order.count(turn.text)
            expect(times <= 1, f"{conversation.key}: {turn.text!r} is there {times} times")
            if not turn.acknowledged and not times:
                continue
            expect(turn.text in order[at:], f"{conversation.key}: {turn.text!r} is lost or out of order: {order}")
            at = order.index(turn.text) + 1
            # What was shown once has to stay.
            turn.acknowledged = True
            self.count["prompts found"] += fresh
            there = slices[at - 1][1]
            seen = turn.seen(self.killed - SETTLED_S)
            expect(there.startswith(seen), f"{conversation.key}: of {turn.text!r} was seen {seen[-80:]!r}, "
                                           f"there is {there[-80:]!r}")
            self.count["characters of text"] += len(seen) * fresh
            # What came later may be there too; but only what the model said, and once. Before the next prompt the
            # gateway brings a turn that was cut off to an end with words of its own.
            if turn.expected is not None and fresh and index >= conversation.first and not conversation.went_on:
                expect(turn.expected.startswith(there), f"{conversation.key}: {turn.text!r} has {there!r}")
            # From now on all that is there has to stay; it was said at some time before the kill.
            turn.pieces = [(0.0, there)] if len(there) > len(seen) and fresh else [(0.0, seen)]

    def expect_asked(self, conversation, before):
        """Its question is asked again; unless it was answered, or the kill came right after it."""
        question = conversation.question
        again = question.asked > before
        if question.acknowledged:
            expect(not again, f"{conversation.key}: asked again after its answer was taken")
        elif question.choice is None and question.at <= self.killed - SETTLED_S:
            expect(again, f"{conversation.key}: {question.turn.text!r} is not asked again ({question.kind})")
        if again:
            self.count["questions asked again"] += 1
            question.choice = None
            self.answers.pop(question.turn.mark, None)
        else:
            conversation.question = None

    def act(self, conversation):
        """Something to do for a conversation in this round."""
        question = conversation.question
        if question:
            what = self.dice.random()
            if what < 0.5:
                self.later(self.dice.uniform(0, 0.3), lambda: self.answer(conversation, question))
                return
            if what < 0.9:
                return
            # Whoever writes on gives the question up.
            self.give_up(conversation)
        if conversation.running is None:
            conversation.running = len(conversation.turns) - 1
        conversation.first = len(conversation.turns)
        for _ in range(self.dice.choice((1, 1, 1, 2, 3))):
            self.submit(conversation, self.turn())

    def give_up(self, conversation):
        question = conversation.question
        question.before = len(conversation.turns)
        self.answers[question.turn.mark] = "given up"
        conversation.given_up, conversation.question = question, None

    def submit(self, conversation, turn):
        conversation.turns.append(turn)

        def acknowledged(result):
            expect(result["status"] in ("streaming", "queued"), f"{conversation.key}: {result}")
            turn.acknowledged = True
            self.count["prompts that waited"] += result["status"] == "queued"

        self.send(acknowledged, "prompt.submit", session_id=conversation.sid, text=turn.text)
        if turn.kind in ("approve", "clarify") and self.dice.random() < 0.5:
            self.later(self.dice.uniform(0.05, 0.6), lambda: self.answer(conversation, None, turn))

    def turn(self):
        mark = f"m{next(self.marks)}"
        kind = self.dice.choice(("stream", "stream", "think", "tool", "approve", "approve", "clarify"))
        rate, tokens = self.dice.choice((30, 100, 400)), self.dice.choice((3, 60, 300))
        flow = f"RATE={rate} TOKENS={tokens} "
        numbers = "".join(f"{number:04}" for number in range(tokens))
        if kind == "stream":
            return Turn(kind, mark, f"{flow}SAY:{mark}", numbers + mark)
        if kind == "think":
            return Turn(kind, mark, f"REASON=20 {flow}SAY:{mark}", numbers + mark)
        if kind == "tool":
            return Turn(kind, mark, call("terminal", command=f"echo {mark} >> {RAN}") + f"{flow}SAY:{mark}")
        if kind == "approve":
            # What asks is the first half, what can be counted the second.
            command = f"rm -rf build-{mark} && echo {mark} >> {RAN}"
            return Turn(kind, mark, f"TOKENS=2 {call('terminal', command=command)}{flow}SAY:{mark}")
        ask = call("clarify", question=f"which one {mark} ?", choices=["a", "b"])
        return Turn(kind, mark, f"{ask}{flow}SAY:{mark}")

    def answer(self, conversation, question, of=None):
        """Answers the question, if it is still open; `of`: whatever this turn asks."""
        question = question or conversation.question
        if not question or question is not conversation.question or question.choice:
            return
        if of and question.turn is not of:
            return
        conversation.went_on |= conversation.running is None
        question.choice = choice = "deny" if self.dice.random() < 0.2 else "once"
        self.answers[question.turn.mark] = choice

        def acknowledged(_):
            question.acknowledged = True
            self.count["answers"] += 1

        if question.kind == "approval.request":
            self.send(acknowledged, "approval.respond", session_id=conversation.sid, choice=choice,
                      request_id=question.request)
        else:
            self.send(acknowledged, "clarify.respond", request_id=question.request, answer="a")

    # When all is over.

    def last(self):
        """Every conversation once more; what is still open is answered, and goes on."""
        self.start()
        self.resume(self.playing, fresh=True)
        everyone = list(self.conversations)
        for begin in range(0, len(everyone), BATCH):
            batch = everyone[begin:begin + BATCH]
            self.resume(batch, fresh=False)
            going = [one for one in batch if one.question]
            ended = self.count["turns that ended"]
            for conversation in going:
                question = conversation.question
                question.choice = self.answers[question.turn.mark] = "once"
                respond = "approval.respond" if question.kind == "approval.request" else "clarify.respond"
                more = {"choice": "once"} if question.kind == "approval.request" else {"answer": "a"}
                self.send(None, respond, session_id=conversation.sid, request_id=question.request, **more)
            over = self.play(TURN_S, until=lambda: self.count["turns that ended"] >= ended + len(going)
                             and not self.replies)
            expect(over, f"{len(going)} turns went on, {self.count['turns that ended'] - ended} ended")
            for conversation in batch:
                self.client.result("session.close", session_id=conversation.sid)
        expect_sound(self.place.database)
        status = self.server.stop()
        expect(status == 0, f"the server ended with {status}")
        self.client.link.close()
        self.compare_commands()

    def ran(self):
        path = self.place.work / RAN
        return path.read_text().split() if path.exists() else []

    def compare_commands(self):
        ran = Counter(self.ran())
        turns = {turn.mark: turn for one in self.conversations for turn in one.turns}
        strange = [mark for mark, times in ran.items() if times > 1 or mark not in turns]
        expect(not strange, f"run twice, or asked by nobody: {strange}")
        for mark, turn in turns.items():
            if turn.kind not in ("tool", "approve"):
                continue
            allowed = turn.kind == "tool" or self.answers.get(mark) == "once"
            expect(allowed or not ran[mark], f"{turn.text!r} ran, the answer was {self.answers.get(mark)}")
            if allowed and self.done[mark]:
                expect(ran[mark] == 1, f"{turn.text!r} came to an end and ran {ran[mark]} times")
                self.count["commands run exactly once"] += 1


def transcript(conversation, result):
    """[(prompt, all that was answered to it, without white space)]; the turn that runs is part of it."""
    slices = []
    for message in result["messages"]:
        if message["role"] == "user":
            slices.append([message["text"], ""])
        elif message["role"] == "assistant":
            expect(slices, f"{conversation.key} begins with an answer")
            slices[-1][1] += squeezed(message["text"])
    inflight = result.get("inflight")
    if inflight:
        slices.append([inflight["user"], squeezed(inflight["assistant"])])
    return slices


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser)
    parser.add_argument("--rounds", type=int, help=f"how often it is killed (default {ROUNDS})")
    parser.add_argument("--seed", type=int, help="of all that is left to chance (default: the clock)")
    parser.add_argument("--quick", action="store_true", help=f"{ROUNDS_QUICK} rounds")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where the home goes when it fails")
    options = parser.parse_args()
    rounds = options.rounds or (ROUNDS_QUICK if options.quick else ROUNDS)
    seed = int(time.time()) if options.seed is None else options.seed
    which = Which(options.binary, model_binary=options.model_binary, extra=["--agent", "openai"])
    print(f"   seed {seed}", flush=True)
    with Place() as apart, FakeModel(apart, which.model_binary) as model, \
            Place(model.port, CONFIG, TUI_GATEWAY_TITLES="0") as place:
        trial = Trial(which, place, random.Random(seed))
        number, began = 0, time.monotonic()
        try:
            for number in range(1, rounds + 1):
                trial.round(number)
            print(f"ok crash {rounds} rounds ({time.monotonic() - began:.0f} s)", flush=True)
            trial.last()
            print(f"ok crash {len(trial.conversations)} conversations are whole", flush=True)
        except (Failed, Closed, Late, AssertionError, RuntimeError, OSError, json.JSONDecodeError) as why:
            print(f"FAIL crash round {number}, seed {seed}: {type(why).__name__}: {why}", flush=True)
            trial.end()
            if options.keep:
                shutil.copytree(place.top, options.keep, dirs_exist_ok=True)
            return 1
        for what, count in sorted(trial.count.items()):
            print(f"   {what}: {count}")
        print(f"   from start to gateway.ready: {shown(trial.starts)} ms (min / median / max)")
    return 0


if __name__ == "__main__":
    sys.exit(main())

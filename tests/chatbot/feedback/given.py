"""Battles and votes to put into a store, without a model."""

import secrets

from chatbot.engine.protocol import Decoding
from chatbot.feedback.ballot import Arm, Battle, Draw, Experiment, Side, Vote
from chatbot.feedback.rows import now
from chatbot.feedback.store import Store
from chatbot.message import Message

MODES = ("base-prompted", "fine-tuned", "combined")


def a_side(mode: str, text: str = "", finish: str = "stop") -> Side:
    arm = Arm(mode, "a" * 64 if mode != "base-prompted" else "", "b" * 64, "v" * 64, "p" * 64)
    return Side(arm, text or f"Written by the arm {mode[::-1]}.", finish, 12, 0.25, 1.5)


def a_battle(draw: Draw, question: str = "How long for boots?", **other) -> Battle:
    fields = {
        "brand": "northwind", "situation": "refund", "history": (Message("user", "Hi"), Message("assistant", "Hello.")),
        "shared": (Message("system", "You help."), Message("user", question)), "passages": ("returns#how-long",),
        "sides": (a_side(draw.pair[0]), a_side(draw.pair[1])), "decoding": Decoding(seed=7), "version": "0.1.0",
        "created": now(), **other,
    }  # fmt: skip
    return Battle(draw=draw, question=question, **fields)


def saved(store: Store, experiment: Experiment, voter: str, **other) -> Battle:
    battle = a_battle(store.draw(experiment, voter), **other)
    store.save_battle(battle)
    return battle


def a_vote(battle: Battle, choice: str = "left", key: str = "", **other) -> Vote:
    return Vote(battle.draw.id, battle.draw.voter, key or secrets.token_urlsafe(9), choice, True, False, **other)

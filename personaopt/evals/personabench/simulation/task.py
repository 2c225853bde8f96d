"""What the agent is asked to do in a simulated session."""

from __future__ import annotations

import dspy


class AssistUser(dspy.Signature):
    """You are the personal assistant of one user. Do what the message asks for, as it suits this user now.

    Go by what is known of the user, and by what the user has said in this conversation. Where there is a choice, make
    it for the user and name what you chose first; where tools are there, use what they found. Answer in the form and
    the style that the user likes, and in the user's language.
    """

    message: str = dspy.InputField(desc="What the user says.")
    reply: str = dspy.OutputField(desc="What you say to the user.")

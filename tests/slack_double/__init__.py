"""A Slack that lives on loopback: strict about what is sent to it, spoken to by the unmodified SDK over real sockets."""

from tests.slack_double.server import SlackDouble

__all__ = ["SlackDouble"]

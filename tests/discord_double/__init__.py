"""Discord on loopback: HTTP and a gateway over real sockets, refusing what Discord refuses."""

from tests.discord_double.people import Person
from tests.discord_double.server import DiscordDouble
from tests.discord_double.world import Fault, World

__all__ = ["DiscordDouble", "Fault", "Person", "World"]

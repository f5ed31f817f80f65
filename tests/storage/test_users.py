"""Who is the same person, and who is not."""

from storage import users
from storage.database import Database


def test_a_person_is_the_same_in_all_servers_of_discord_and_another_in_each_workspace_of_slack(
    database_url: str,
) -> None:
    database = Database(database_url)
    try:
        with database.begin() as db:
            in_server = users.identify(db, "discord", "100", "7", "Ann")
            assert users.identify(db, "discord", "@me", "7", "Ann").id == in_server.id
            assert users.identify(db, "discord", "200", "7", "Ann").id == in_server.id
            assert users.identify(db, "discord", "100", "8", "Ben").id != in_server.id
            here = users.identify(db, "slack", "T1", "U1", "Ann")
            assert users.identify(db, "slack", "T2", "U1", "Eve").id != here.id
    finally:
        database.close()

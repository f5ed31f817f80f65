"""`omc forget`: erase a person, after saying what goes and what stays."""

import click


@click.command()
@click.argument("user")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def forget(user: str, yes: bool) -> None:
    """Erase USER: their goals, replies, runs with all files, schedules, saved defaults, rights and identities.

    USER is a name, or an id of a platform: slack:U0123, discord:81234, terminal:anna. What stays, without a name or a
    word of theirs: what language models have cost (limits count it), the rules their runs tried (later verdicts count
    them), and imported prices. What was posted in a chat stays there until it is deleted there.
    """
    from sqlalchemy import select

    from bots.composition import open_house
    from bots.errors import Refusal
    from storage import forgetting
    from storage.errors import StorageError
    from storage.models import Artifact

    with open_house() as house:
        with house.database.begin() as db:
            found = forgetting.find(db, user)
        if not found:
            raise Refusal(
                f"There is nobody called {user[:60]} here. Ids look like slack:U0123 or terminal:anna."
            )
        if len(found) > 1:
            listed = "\n".join(
                f"  {one.name}: {', '.join(one.identities)} ({one.runs} runs)" for one in found
            )
            raise Refusal(f"{user[:60]} may mean several people. Name one by an id:\n{listed}")
        person = found[0]
        if person.unfinished:
            runs = ", ".join(f"R-{number}" for number in person.unfinished[:5])
            raise Refusal(
                f"{person.name} has unfinished runs ({runs}). Stop them first: omc cancel R-{person.unfinished[0]}"
            )
        click.echo(
            f"{person.name} ({', '.join(person.identities)}): {person.runs} runs with their files, schedules, defaults, "
            "rights and identities are erased, and their words in other people's runs.\n"
            "What stays, without a name or a word of theirs: the cost of language models, the rules that were tried, "
            "imported prices, and what answers of theirs led to in other people's runs. What was posted in a chat stays "
            "there until it is deleted there."
        )
        if not yes and not click.confirm("Erase this? It cannot be undone.", default=False):
            click.echo("Nothing was erased.")
            raise click.exceptions.Exit(3)
        with house.database.begin() as db:
            done = forgetting.forget(db, person.id)
        with house.database.begin() as db:
            used = set(db.scalars(select(Artifact.sha256).where(Artifact.sha256.in_(done.hashes))))
        left = 0
        for sha256 in done.hashes - used:
            try:
                house.store.delete(sha256)
            except StorageError:
                left += 1
        click.echo(
            f"Erased: {done.runs} runs, {len(done.hashes - used) - left} files, {done.answers} answers to others."
        )
        if left:
            raise Refusal(
                f"{left} files could not be deleted from the artifact store; look at its permissions."
            )

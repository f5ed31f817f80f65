"""The `omc` command. Each subcommand lives in a module of its own that is imported when it is called."""

import importlib
import os
import sys
from collections.abc import Mapping
from typing import Any

import click

# name -> (module:command, what the help says of it)
COMMANDS: Mapping[str, tuple[str, str]] = {
    "analyze": ("bots.analyze_command:analyze", "Ask a question about crypto prices and get a verdict."),
    "plan": ("bots.plan_command:plan", "Read a goal and show what would be done; runs nothing."),
    "status": ("bots.run_commands:status", "Show how a run stands, or what is going on."),
    "list": ("bots.run_commands:list_runs", "List the newest runs."),
    "answer": ("bots.run_commands:answer", "Answer the question a run has asked."),
    "cancel": ("bots.run_commands:cancel", "Stop a run."),
    "results": ("bots.run_commands:results", "Show a finished run again, or write its files."),
    "schedule": ("bots.run_commands:schedule", "Ask a goal again at set times; list and stop that."),
    "usage": ("bots.usage_command:usage", "Show what language models have cost."),
    "rerun": ("bots.repeat_commands:rerun", "Do a finished run again; every figure must be the same."),
    "diff": ("bots.repeat_commands:diff", "Say what differs between two runs, and which input did it."),
    "predict": ("bots.repeat_commands:predict", "Apply a finished run's model to the newest prices."),
    "forget": ("bots.forget_command:forget", "Erase a person: goals, replies, runs, files, identities."),
    "data": ("bots.data_commands:data", "Bring prices in, look at what is held, take them out."),
    "up": ("bots.up_command:up", "Everything at once: bots that have tokens, a worker, the sweeper."),
    "bot": ("bots.bot_commands:bot", "Speak with people in a chat."),
    "worker": ("bots.service_commands:worker", "Work on runs until told to stop."),
    "sweeper": ("bots.service_commands:sweeper", "Set going again what lost workers and queues left lying."),
    "sandbox": ("bots.service_commands:sandbox", "Hold code written by models, for workers elsewhere."),
    "db": ("bots.service_commands:db", "Look after the database's tables."),
    "doctor": ("bots.doctor_command:doctor", "Check what is configured and whether it works."),
    "help": ("bots.cli:help_page", "Show this, or what one command takes."),
}


class Omc(click.Group):
    """A group whose commands are loaded one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run a command; whatever goes wrong ends in one sentence and an exit status."""
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **extra)  # type: ignore[call-overload]
        _open_streams()
        for stream in (sys.stdout, sys.stderr):
            # A terminal in an old encoding shows a question mark rather than ending the run.
            reconfigure: Any = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="replace")
        try:
            status = super().main(  # type: ignore[call-overload]
                *args, standalone_mode=False, **{"prog_name": "omc", **extra}
            )
            sys.stdout.flush()
        except Exception as error:
            from bots.failures import report

            status = report(error)
        except KeyboardInterrupt:
            click.echo("\nStopped.", err=True)
            status = 130
        sys.exit(status if isinstance(status, int) else 0)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, said) for name, (_, said) in COMMANDS.items()])


def _open_streams() -> None:
    """Give a process that was started with closed streams (`>&-`) empty ones: the next file would take their place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, PTH123 - for as long as the process lives


@click.group(cls=Omc, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ohmycoins-lab", prog_name="omc")
def main() -> None:
    """Ask questions about crypto prices and get verdicts that can be trusted.

    Begin with: omc data sample, then omc analyze "will btc close higher in the next hour?"
    """


@click.command()
@click.argument("command", required=False)
@click.pass_context
def help_page(ctx: click.Context, command: str | None) -> None:
    """Show the help of all commands, or of one: omc help analyze."""
    omc = ctx.find_root()
    assert isinstance(omc.command, Omc)
    found = omc.command.get_command(omc, command) if command else omc.command
    if found is None:
        raise click.UsageError(f"No such command {command!r}.", omc)
    with click.Context(found, info_name=command, parent=omc) if command else omc as shown:
        click.echo(found.get_help(shown))


if __name__ == "__main__":
    main()

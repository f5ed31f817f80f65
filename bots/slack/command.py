"""`omc bot slack`: the process that speaks in Slack."""

import click


@click.command()
@click.option("--host", default="0.0.0.0", show_default=True, help="Where HTTP requests are taken.")
@click.option(
    "--port", default=3000, show_default=True, type=click.IntRange(0, 65535), help="The port for them."
)
@click.option(
    "--manifest", is_flag=True, help="Print the app's manifest, and a link that creates the app from it."
)
def slack(host: str, port: int, manifest: bool) -> None:
    """Speak in Slack: over Socket Mode with SLACK_APP_TOKEN, over HTTP (behind TLS) with SLACK_SIGNING_SECRET."""
    if manifest:
        _print_manifest()
        return
    from bots.bot_process import run_bot, save_memory
    from bots.composition import open_house
    from bots.slack.app import Listening, Slack
    from bots.slack.clients import Workspaces
    from bots.slack.settings import SlackSettings
    from storage.sealing import Seal, SealingSettings

    save_memory()
    settings = SlackSettings()
    settings.require()
    keys = SealingSettings().omc_secret_key
    with open_house(connections=8) as house:
        seal = Seal(keys) if settings.installs or keys else None
        workspaces = Workspaces(settings.api_base, settings.slack_bot_token, house.database, seal)
        how = "over Socket Mode" if settings.mode == "socket" else f"over HTTP on port {port}"
        platform = Slack(settings, workspaces, Listening(host, port))
        run_bot(house, platform, platform.ready, f"Speaking in Slack {how}; Ctrl-C stops.")


def _print_manifest() -> None:
    import json
    from urllib.parse import quote

    from bots.slack.serving import MANIFEST

    text = MANIFEST.read_text()
    click.echo(text)
    small = json.dumps(json.loads(text), separators=(",", ":"))
    click.echo(f"https://api.slack.com/apps?new_app=1&manifest_json={quote(small)}", err=True)
